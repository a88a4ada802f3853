import test from 'ava';
import type {Delivery} from '../../src/delivery.ts';
import {Fault} from '../../src/errors.ts';
import type {Journal} from '../../src/journal.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {MessageDelivery, requestOf} from '../../src/messages/delivery.ts';
import {Handler} from '../../src/messages/handler.ts';
import type {Message} from '../../src/messages/message.ts';
import type {ListedHouse} from '../../src/trigger.ts';
import {WorkHall} from '../../src/work/hall.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {fakeHouse} from '../helpers/fakes.ts';
import {all} from '../helpers/journal-suite.ts';

/* What becomes of a message, by what the function says and what the broker takes. */

const terms = {type: 'fake', ack: 'settled', attempts: undefined, retryMs: 1000} as const;

/** A function that always answers with this status, and a message that says in `told` what the broker hears. */
function place(
  status: number,
  {journal = new MemoryJournal(new ManualClock()), fault, ...more}: Partial<Message> & {journal?: Journal; fault?: Fault} = {},
) {
  const told: string[] = [];
  let calls = 0;
  const house: ListedHouse = {
    ...fakeHouse({
      clock: new ManualClock(),
      journal,
      async deliver(delivery: Delivery) {
        calls++;
        delivery.reply({status, headers: [], body: '', ...(fault && {fault})});
      },
    }),
    name: 'orders',
  };
  const message: Message = {
    key: 'orders/1',
    sentAt: 1_700_000_000_000,
    body: Buffer.from('{}'),
    contentType: '',
    attributes: [],
    facts: {},
    destination: 'orders',
    mayBeAgain: true,
    async accept() {
      told.push('accept');
    },
    async giveBack(afterMs) {
      told.push(`back ${afterMs}`);
    },
    async bury() {
      told.push('bury');
    },
    ...more,
  };
  return {house, message, told, journal, calls: () => calls};
}

test('a message that failed for good is put aside when it comes again, and not forgotten', async t => {
  const refusing = place(500, {
    attempt: 2,
    bury: async () => {
      throw new Error('the broker has gone');
    },
  });
  const stopping = new AbortController().signal;
  t.is(await new Handler({...terms, attempts: 2}, refusing.house, stopping).handle(refusing.message), 'unacknowledged');
  const again = place(200, {attempt: 3, journal: refusing.journal});
  t.is(await new Handler({...terms, attempts: 2}, again.house, stopping).handle(again.message), 'buried');
  t.deepEqual(again.told, ['bury']);
  t.is(again.calls(), 0);
});

test('of a reply its body is kept, if it has one', async t => {
  for (const body of ['', 'done']) {
    const {house, message, journal} = place(200);
    const deliver = async (given: Delivery) => {
      given.reply({status: 200, headers: [], body});
      const dataref = `invocation.${given.id}/reply`;
      const settled = {outcome: 'responded', status: 200, durationMs: 1, dataref} as const;
      given.keeper?.ended({settled, payloads: [{name: dataref, bytes: Buffer.from(body)}]});
    };
    await new Handler(terms, {...house, deliver}, new AbortController().signal).handle(message);
    const [settled] = (await all(journal.scan('invocation.'))).filter(({fact}) => fact.type === 'invocation.settled');
    t.is('dataref' in (settled?.fact.data ?? {}), body !== '');
    t.is((await journal.payload(`${settled?.stream}/reply`)) !== undefined, body !== '');
  }
});

test('a message that was done is acknowledged when it comes again, without a call', async t => {
  const first = place(200, {
    accept: async () => {
      throw new Error('the broker has gone');
    },
  });
  const stopping = new AbortController().signal;
  t.is(await new Handler(terms, first.house, stopping).handle(first.message), 'unacknowledged');
  const again = place(200, {attempt: 2, journal: first.journal});
  t.is(await new Handler(terms, again.house, stopping).handle(again.message), 'duplicate');
  t.deepEqual(again.told, ['accept']);
  t.is(again.calls(), 0);
});

test('the attempts of a message hold where the entry names none', async t => {
  const {house, message, told, calls} = place(500, {attempts: 1});
  t.is(await new Handler(terms, house, new AbortController().signal).handle(message), 'buried');
  t.deepEqual(told, ['bury']);
  t.is(calls(), 1);
});

test('a message that its broker has forgotten is put aside when the core stops before its next attempt', async t => {
  const {house, message, told, journal} = place(500, {isForgotten: true});
  const {giveBack: _, ...forgotten} = message;
  const stopping = new AbortController();
  const handled = new Handler({...terms, attempts: 3}, {...house, clock: new ManualClock()}, stopping.signal).handle(forgotten);
  await settle();
  stopping.abort();
  t.is(await handled, 'buried');
  t.deepEqual(told, ['bury']);
  const facts = await all(journal.scan('invocation.'));
  t.like(facts.at(-1)?.fact, {type: 'invocation.settled', data: {outcome: 'dead-lettered', status: 500}});
});

test('a message that its broker has forgotten is tried on when its connection is lost', async t => {
  const clock = new ManualClock();
  const {house, message, told, calls} = place(500, {isForgotten: true});
  const {giveBack: _, ...forgotten} = message;
  const lost = new AbortController();
  const handled = new Handler({...terms, attempts: 2}, {...house, clock}, new AbortController().signal).handle(forgotten, lost.signal);
  await settle();
  lost.abort();
  await settle();
  t.deepEqual(told, [], 'it waits for its next attempt');
  await clock.advance(1000);
  t.is(await handled, 'buried');
  t.is(calls(), 2);
});

test('a message that its broker has forgotten is given up when it can be put aside nowhere, as its connection is lost', async t => {
  const waits: number[] = [];
  const clock = Object.assign(new ManualClock(), {sleep: async (ms: number) => waits.push(ms) > 0});
  const {house, message, calls} = place(500, {
    isForgotten: true,
    bury: async () => {
      throw new Error('the connection was closed');
    },
  });
  const {giveBack: _, ...forgotten} = message;
  const handler = new Handler({...terms, attempts: 1}, {...house, clock}, new AbortController().signal);
  t.is(await handler.handle(forgotten, AbortSignal.abort()), 'unacknowledged');
  t.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000]);
  t.is(calls(), 1);
});

test('a message that its broker has forgotten, and work has no room for, is put aside when the core stops', async t => {
  const journal = new MemoryJournal(new ManualClock());
  const {house, message, told} = place(200, {journal, isForgotten: true, key: undefined});
  const {giveBack: _, ...forgotten} = message;
  const options = {limits: {attempts: 1, deaths: 1}, most: 0, durability: 'fsync', isKept: () => true} as const;
  const hall = new WorkHall(journal.work, options, new ManualClock());
  const handler = new Handler({...terms, ack: 'accepted'}, {...house, hall}, AbortSignal.abort());
  t.is(await handler.handle(forgotten), 'buried');
  t.deepEqual(told, ['bury']);
});

test('a message that another core has meanwhile is not tried again here', async t => {
  const clock = new ManualClock();
  let isOurs = true;
  const {house, message, calls} = place(500, {isOurs: () => isOurs});
  const {giveBack: _, bury: __, ...kept} = message;
  const handled = new Handler(terms, {...house, clock}, new AbortController().signal).handle(kept);
  await settle();
  await clock.advance(1000);
  await settle();
  t.is(calls(), 2, 'as long as it is ours');
  isOurs = false;
  await clock.advance(2000);
  t.is(await handled, 'given-back');
  t.is(calls(), 2);
});

test('a message that fails is given back, later with each attempt', async t => {
  for (const [attempt, afterMs] of [
    [1, 1000],
    [3, 4000],
    [40, 30_000],
  ] as const) {
    const {house, message, told} = place(503, {attempt});
    t.is(await new Handler(terms, house, new AbortController().signal).handle(message), 'given-back');
    t.deepEqual(told, [`back ${afterMs}`]);
  }
});

test('a dead letter that is sent again is tried anew', async t => {
  const first = place(500);
  const stopping = new AbortController().signal;
  t.is(await new Handler({...terms, attempts: 1}, first.house, stopping).handle(first.message), 'buried');
  const again = place(200, {isFresh: true, journal: first.journal});
  t.is(await new Handler({...terms, attempts: 1}, again.house, stopping).handle(again.message), 'done');
  t.is(again.calls(), 1);
});

test('where the broker does not count, the journal does', async t => {
  const {house, message, told} = place(500);
  const handler = new Handler({...terms, attempts: 3}, house, new AbortController().signal);
  t.is(await handler.handle(message), 'given-back');
  t.is(await handler.handle(message), 'given-back');
  t.is(await handler.handle(message), 'buried');
  t.deepEqual(told, ['back 1000', 'back 2000', 'bury']);
});

test('a message of which the broker cannot be told waits longer each time', async t => {
  const {house, message, told} = place(500, {
    attempt: 4,
    bury: async () => {
      throw new Error('no such queue');
    },
  });
  t.is(await new Handler({...terms, attempts: 1}, house, new AbortController().signal).handle(message), 'unacknowledged');
  t.deepEqual(told, ['back 8000']);
});

test('a message that the broker will not take back is given back, so that its place is free again', async t => {
  const {house, message, told} = place(500, {
    bury: async () => {
      throw new Error('no such queue');
    },
  });
  t.is(await new Handler({...terms, attempts: 1}, house, new AbortController().signal).handle(message), 'unacknowledged');
  t.deepEqual(told, ['back 1000']);
});

test('a message that is tried again here is left to the broker when its connection is lost', async t => {
  const {giveBack: _, ...rest} = place(500).message;
  const {house, calls} = place(500);
  const lost = new AbortController();
  const handled = new Handler(terms, house, new AbortController().signal).handle(rest, lost.signal);
  lost.abort();
  t.is(await handled, 'given-back');
  t.is(calls(), 1);
});

test('of what a message says to the core only its trace is heard', t => {
  const attributes = ['Core-Timeout', 'soon', 'Authorization', 'x', 'TraceParent', '00-1'];
  const {house, message} = place(200, {attributes});
  const sender = {name: 'orders', type: 'fake', id: 'i'};
  const delivery = new MessageDelivery(sender, message, {
    request: requestOf(sender, message, 1),
    attempt: 1,
    signal: new AbortController().signal,
    budget: house.budget,
  });
  t.deepEqual(
    ['core-timeout', 'authorization', 'traceparent'].map(name => delivery.get(name)),
    ['', '', '00-1'],
  );
});

test('what does not reach the function stays here for a while, and is given back only then', async t => {
  const {house, message, told} = place(200);
  let calls = 0;
  const waits: number[] = [];
  const clock = Object.assign(new ManualClock(), {sleep: async (ms: number) => waits.push(ms) > 0});
  const deliver = async (delivery: Delivery) => {
    calls++;
    delivery.reply({status: 503, headers: [], body: '', fault: new Fault('POOL_BUSY')});
  };
  t.is(await new Handler(terms, {...house, clock, deliver}, new AbortController().signal).handle(message), 'given-back');
  t.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000]);
  t.deepEqual(told, ['back 30000']);
  t.is(calls, 6);
});

test('what stays here is given back at once when the trigger closes', async t => {
  const {house, message, told} = place(200);
  const deliver = async (delivery: Delivery) => delivery.reply({status: 503, headers: [], body: '', fault: new Fault('POOL_BUSY')});
  t.is(await new Handler(terms, {...house, deliver}, AbortSignal.abort()).handle(message), 'given-back');
  t.deepEqual(told, ['back 0']);
});

test('an attribute becomes a header, whatever its name is', t => {
  const {message} = place(200, {contentType: 'text/plain', attributes: ['X-Tenant', 'näh', 'né a', '1', 'a:\r\nb', '2']});
  const {headers} = requestOf({name: 'orders', type: 'fake', id: 'i'}, message, 1);
  t.deepEqual(
    headers.map(text => Buffer.from(text, 'latin1').toString()),
    ['Content-Type', 'text/plain', 'X-Tenant', 'näh', 'n%c3%a9%20a', '1', 'a%3a%0d%0ab', '2'],
  );
});

test('the journal is asked for a message only where it may know it', async t => {
  const asked: string[] = [];
  const journal = new MemoryJournal(new ManualClock());
  const last = journal.last.bind(journal);
  journal.last = stream => {
    asked.push(stream);
    return last(stream);
  };
  const told: string[] = [];
  const stopping = new AbortController().signal;
  const handle = async (some: Partial<Message>) => {
    const {house, message} = place(200, {journal, isNew: () => void told.push('new'), ...some});
    return new Handler(terms, house, stopping).handle(message);
  };
  t.is(await handle({key: undefined}), 'done');
  t.is(await handle({mayBeAgain: false}), 'done');
  t.is(asked.length, 0);
  t.is(await handle({key: 'orders/2'}), 'done');
  t.is(await handle({key: 'orders/2'}), 'duplicate');
  t.is(asked.length, 2);
  t.deepEqual(told, ['new']);
});

test('a function that cannot be loaded makes no message a dead letter', async t => {
  const {house, message, told} = place(500, {attempt: 9, fault: new Fault('HANDLER_MISSING')});
  const clock = house.clock as ManualClock;
  const handled = new Handler({...terms, attempts: 2}, house, new AbortController().signal).handle(message);
  await clock.advance(200_000);
  t.is(await handled, 'given-back');
  t.deepEqual(told, ['back 30000']);
});

/** A handler that hands its messages to work, which is kept there. */
function handingOver(house: ListedHouse, {work}: MemoryJournal) {
  const options = {limits: {attempts: 1, deaths: 1}, most: 10, durability: 'fsync', isKept: () => true} as const;
  const hall = new WorkHall(work, options, new ManualClock());
  return new Handler({...terms, ack: 'accepted'}, {...house, hall}, new AbortController().signal);
}

test('a message that came often without reaching the function has all its attempts still', async t => {
  const fault = new Fault('HANDLER_MISSING');
  const missing = place(500, {fault, attempt: 1});
  const stopping = new AbortController().signal;
  const unreached = new Handler({...terms, attempts: 3}, missing.house, stopping).handle(missing.message);
  await (missing.house.clock as ManualClock).advance(200_000);
  t.is(await unreached, 'given-back');
  for (const [attempt, outcome] of [
    [7, 'given-back'],
    [8, 'given-back'],
    [9, 'buried'],
  ] as const) {
    const failing = place(500, {attempt, journal: missing.journal});
    t.is(await new Handler({...terms, attempts: 3}, failing.house, stopping).handle(failing.message), outcome);
  }
});

test('a message that was tried while its entry said `settled` is tried on, and not taken for one that work has', async t => {
  const journal = new MemoryJournal(new ManualClock());
  const failing = place(500, {journal});
  t.is(await new Handler(terms, failing.house, new AbortController().signal).handle(failing.message), 'given-back');
  const again = place(200, {journal, attempt: 2});
  t.is(await handingOver(again.house, journal).handle(again.message), 'done');
  t.is(again.calls(), 1);
  t.is(await handingOver(again.house, journal).handle(again.message), 'duplicate', 'it is over');
  const next = place(200, {journal, key: 'orders/2'});
  t.is(await handingOver(next.house, journal).handle(next.message), 'accepted');
  t.is(await handingOver(next.house, journal).handle(next.message), 'duplicate', 'work has it');
  t.is(next.calls(), 0);
});

test('work learns of what trace a message is', async t => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  for (const [given, kept] of [
    [traceparent, traceparent],
    ['a b', undefined],
  ] as const) {
    const journal = new MemoryJournal(new ManualClock());
    const {house, message} = place(200, {journal, attributes: ['TraceParent', given]});
    t.is(await handingOver(house, journal).handle(message), 'accepted');
    t.is((await journal.work.list({limit: 1}))[0]?.traceparent, kept);
  }
});
