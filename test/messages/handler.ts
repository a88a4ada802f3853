import test from 'ava';
import type {Delivery} from '../../src/delivery.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {MessageDelivery, requestOf} from '../../src/messages/delivery.ts';
import {Handler} from '../../src/messages/handler.ts';
import type {Message} from '../../src/messages/message.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {place, terms} from '../helpers/handled-message.ts';
import {all} from '../helpers/journal-suite.ts';

/* What becomes of a message, by what the function says and what the broker takes. */

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

test('a dead letter that is sent again is tried anew', async t => {
  const first = place(500);
  const stopping = new AbortController().signal;
  t.is(await new Handler({...terms, attempts: 1}, first.house, stopping).handle(first.message), 'buried');
  const again = place(200, {isFresh: true, journal: first.journal});
  t.is(await new Handler({...terms, attempts: 1}, again.house, stopping).handle(again.message), 'done');
  t.is(again.calls(), 1);
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
