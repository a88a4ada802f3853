import test, {type ExecutionContext} from 'ava';
import {namer} from '../../src/journals/named.ts';
import {Reading} from '../../src/journals/nats/reading.ts';
import {subjectsOf} from '../../src/journals/nats/subjects.ts';
import type {Message, Transport} from '../../src/journals/nats/transport.ts';
import {Board} from '../../src/journals/nats/work/board.ts';
import {DueHeap} from '../../src/journals/nats/work/due-heap.ts';
import {type Item, readItem, redriven, type Stored, storedOf, writeItem} from '../../src/journals/nats/work/item.ts';
import {Living} from '../../src/journals/nats/work/living.ts';
import {Standing} from '../../src/journals/nats/work/standing.ts';
import {Writing} from '../../src/journals/nats/writing.ts';
import {ManualClock, settle} from '../helpers/clock.ts';

/* What every core makes of the messages about work. */

const stored = (id: string, some: Partial<Stored> = {}): Stored => ({
  id,
  acceptedAt: 0,
  due: 0,
  status: 'waiting',
  attempts: 0,
  deaths: 0,
  epoch: 0,
  ...some,
});

/** As it comes from the servers. */
function item(id: string, sequence: number, some?: Partial<Stored>): Item {
  const read = readItem({body: writeItem(stored(id, some)), sequence});
  if (!read) throw new TypeError('Expected an item');
  return read;
}

function hear(standing: Standing, ...items: Item[]): void {
  for (const each of items) {
    standing.apply(each.id, each.sequence, each);
    standing.reached(each.sequence);
  }
}

const due = (standing: Standing, now = 0) => [...standing.due(now)].map(({id}) => id);

test('an older message about an item changes nothing, also after the item has ended', t => {
  const standing = new Standing();
  t.true(standing.apply('a', 5, item('a', 5, {status: 'running'})));
  t.false(standing.apply('a', 4, item('a', 4)));
  t.is(standing.get('a')?.status, 'running');
  t.true(standing.apply('a', 6, undefined));
  t.false(standing.apply('a', 5, item('a', 5)));
  t.is(standing.get('a'), undefined);
  t.is(standing.alive, 0);
});

test('of a key only the first is due, and the next one when that has ended, is dead or only posts its reply', t => {
  for (const [end, left] of [
    [undefined, ['b']],
    [item('a', 9, {status: 'dead', orderingKey: 'k', order: 1}), ['b']],
    [item('a', 9, {isCallback: true, order: 1}), ['a', 'b']],
  ] as const) {
    const standing = new Standing();
    hear(standing, item('a', 1, {orderingKey: 'k'}), item('b', 2, {orderingKey: 'k'}), item('c', 3, {orderingKey: 'other'}));
    t.deepEqual(due(standing), ['a', 'c']);
    hear(standing, item('a', 4, {orderingKey: 'k', status: 'running', order: 1}));
    t.deepEqual(due(standing), ['c']);
    standing.apply('a', 9, end);
    t.deepEqual(due(standing), [...left, 'c']);
  }
});

test('an item that this core has just written is not the first of its key before all that came earlier was heard', t => {
  const standing = new Standing();
  standing.apply('b', 20, item('b', 20, {orderingKey: 'k'}));
  t.deepEqual(due(standing), []);
  t.true(standing.isBehind(item('b', 20, {orderingKey: 'k'})));
  hear(standing, item('a', 10, {orderingKey: 'k'}));
  t.deepEqual(due(standing), ['a']);
  standing.apply('a', 30, undefined);
  t.deepEqual(due(standing), []);
  standing.reached(20);
  t.deepEqual(due(standing), ['b']);
});

test('a dead letter that is sent again stands behind those of its key', t => {
  const standing = new Standing();
  const dead = item('a', 3, {orderingKey: 'k', status: 'dead', order: 1, deadAt: 5, expires: 6});
  hear(standing, item('b', 2, {orderingKey: 'k'}), dead);
  const again = readItem({body: writeItem(redriven(dead, 0)), sequence: 4});
  standing.apply('a', 4, again);
  standing.reached(4);
  t.like(again, {order: 4, redriven: 1, expires: undefined, deadAt: undefined});
  t.deepEqual(due(standing), ['b']);
});

test('what is due stays due until it is claimed, the longest due first', t => {
  const standing = new Standing();
  hear(standing, item('c', 1, {due: 3}), item('b', 2, {due: 1}), item('a', 3, {due: 1}), item('d', 4, {due: 9}));
  for (let time = 0; time < 3; time++) t.deepEqual(due(standing, 5), ['a', 'b', 'c']);
  hear(standing, item('a', 5, {due: 7}));
  t.deepEqual(due(standing, 5), ['b', 'c']);
  t.is(standing.next()?.id, 'b');
  t.deepEqual(due(standing, 10), ['b', 'c', 'a', 'd']);
});

test('a heap gives everything back in order', t => {
  const heap = new DueHeap();
  const given = Array.from({length: 1000}, (_, index) => ({due: (index * 7919) % 101, id: String(index).padStart(4, '0')}));
  for (const {due: at, id} of given) heap.add(at, id);
  const taken = Array.from({length: 1000}, () => heap.take());
  t.deepEqual(
    taken,
    given.toSorted((a, b) => a.due - b.due || (a.id < b.id ? -1 : 1)),
  );
  t.is(heap.take(), undefined);
});

/** Servers of which a test says what they send. */
function servers() {
  let hear: (message: Message) => void = () => {};
  let stops: (message: Message) => void = () => {};
  let broken = () => {};
  let mark = '';
  const counts = {begun: 0, sent: 0};
  const transport: Transport = {
    mostBytes: 2 ** 20,
    isConnected: true,
    server: {name: 'n', version: '2.15.3', level: 5, peers: 1, hasJetStream: true},
    request: async subject => {
      if (subject.startsWith('$JS.API.CONSUMER.CREATE')) {
        counts.begun++;
        counts.sent = 0;
      } else mark = subject;
      return {subject: '', reply: '', code: 0, field: () => '', body: Buffer.from('{"seq": 50}')};
    },
    publish() {},
    gather: () => Promise.reject(new Error('nothing is read')),
    subscribe: (subject, to) => {
      if (subject.startsWith('_INBOX')) hear = to;
      else stops = to;
      return () => {};
    },
    onChange() {},
    onBreak(tell) {
      broken = tell;
    },
    change: async () => false,
    close: async () => {},
  };
  const end = (id: string, sequence: number) => {
    const reply = `$JS.ACK.CORE_shop.consumer.1.${sequence}.${++counts.sent}.0.0`;
    hear({subject: `core.shop.j.w.${id}`, reply, code: 0, field: () => '', body: Buffer.from('')});
  };
  const told = (subject: string, sequence: number, body: Uint8Array) => {
    const reply = `$JS.ACK.CORE_shop.consumer.1.${sequence}.${counts.sent}.0.7`;
    hear({subject, reply, code: 0, field: () => '', body});
  };
  /** @param isLast the core has written its mark before, and hears it afterwards */
  const send = (each: Item, isLast: boolean, lost = 0) => {
    counts.sent += 1 + lost;
    told(`core.shop.j.w.${each.id}`, each.sequence, writeItem(storedOf(each)));
    if (!isLast) return;
    counts.sent++;
    told(mark, 50, Buffer.from(''));
  };
  const beat = () =>
    hear({
      subject: '',
      reply: '',
      code: 100,
      field: name => (name === 'Nats-Last-Consumer' ? `${counts.sent}` : ''),
      body: Buffer.from(''),
    });
  const ask = (id: string) => stops({subject: '', reply: '', code: 0, field: () => '', body: Buffer.from(id)});
  return {transport, counts, send, end, ask, beat, breakOff: () => broken()};
}

function boardOf(t: ExecutionContext, transport: Transport, clock = new ManualClock()): Board {
  const subjects = subjectsOf('shop');
  const patience = {clock, closing: new AbortController().signal};
  const [reading, writing] = [new Reading(transport, subjects, patience), new Writing(transport, patience)];
  const commits = {patience, reading, writing, named: namer('me')};
  const cores = {leaseMs: 0, isAlive: async () => true};
  const board = new Board({transport, subjects, commits, cores, core: 'me', after: (ms, fire) => clock.after(ms, fire)});
  t.teardown(() => board.end());
  return board;
}

test('what other cores end is told, what this one ends is not; and so is what they ask to stop', async t => {
  const {transport, send, end, ask} = servers();
  const board = boardOf(t, transport);
  const told: string[] = [];
  board.tellOver = id => told.push(`${id} over`);
  board.tellStop = id => told.push(`${id} stop`);
  const known = board.known();
  await settle();
  send(item('a', 1, {status: 'running', holder: 'other'}), false);
  send(item('b', 2, {status: 'running', holder: 'me'}), true);
  await known;
  ask('b');
  board.asked.add('b'); // its end is on its way
  end('b', 3);
  board.wrote('b', 3, undefined);
  board.asked.delete('b');
  t.deepEqual(told, ['b stop']);
  end('a', 4);
  send(item('c', 5), true);
  send(item('c', 6, {status: 'dead'}), true);
  send(item('d', 7, {isCallback: true}), true);
  t.deepEqual(told, ['b stop', 'a over', 'c over', 'd over']);
});

test('while all work comes anew nothing is claimed, as the second of a key may come before the first', async t => {
  const {transport, counts, send} = servers();
  const board = boardOf(t, transport);
  const seen: string[][] = [];
  const look = () => board.known().then(standing => seen.push(due(standing)));
  const [first, second] = [item('a', 30, {orderingKey: 'k', order: 5}), item('b', 10, {orderingKey: 'k'})];

  void look();
  await settle();
  send(second, false);
  await settle();
  t.deepEqual(seen, [], 'the first has not come');
  send(first, true);
  await settle();
  t.deepEqual(seen, [['a']]);

  send(item('c', 40), false, 1);
  await settle();
  t.is(counts.begun, 2, 'a message was lost');
  const looks = [look(), look()];
  send(second, false);
  await settle();
  send(item('x', 41), false, 1); // lost again
  await settle();
  send(second, false);
  await settle();
  t.is(counts.begun, 3);
  t.deepEqual(seen, [['a']]);
  send(first, true);
  await Promise.all(looks);
  t.deepEqual(seen, [['a'], ['a'], ['a']]);
});

test('what a server has that lacks the newest is not all work, however little of it is left', async t => {
  const {transport, send} = servers();
  const board = boardOf(t, transport);
  let isKnown = false;
  const known = board.known().then(standing => {
    isKnown = true;
    return standing;
  });
  await settle();
  send(item('b', 2, {orderingKey: 'k'}), false); // as far as it knows, this is all
  await settle();
  t.false(isKnown);
  send(item('a', 9, {orderingKey: 'k', order: 1}), true);
  t.deepEqual(due(await known), ['a']);
});

test('a server that lives, and has nothing more to tell, is not waited for when it lacks the newest', async t => {
  const {transport, counts, send, beat} = servers();
  const clock = new ManualClock();
  const board = boardOf(t, transport, clock);
  const known = board.known();
  await settle();
  for (let second = 0; second < 5; second++) {
    send(item(`i${second}`, second + 1), false);
    await clock.advance(1000);
    beat();
  }
  t.is(counts.begun, 1, 'more comes');
  for (let second = 0; second < 5; second++) {
    await clock.advance(1000);
    beat();
  }
  t.is(counts.begun, 2);
  await settle();
  send(item('a', 1), true);
  await known;
  for (let second = 0; second < 10; second++) {
    await clock.advance(1000);
    beat();
  }
  t.is(counts.begun, 2, 'it has all');
});

test('after a break all work comes anew at once; who sends work does not wait for that, and counts what there was', async t => {
  const {transport, counts, send, breakOff} = servers();
  const board = boardOf(t, transport);
  breakOff();
  t.is(counts.begun, 0, 'nobody has asked for work');
  const alive = board.alive();
  await settle();
  send(item('a', 1), false);
  send(item('b', 2), true);
  t.is(await alive, 2);
  breakOff();
  await settle();
  t.is(counts.begun, 2);
  t.is(await board.alive(), 2);
  let isKnown = false;
  const known = board.known().then(() => {
    isKnown = true;
  });
  send(item('a', 1), false);
  await settle();
  t.false(isKnown);
  breakOff(); // while all of it comes
  await settle();
  t.is(counts.begun, 3);
  t.is(await board.alive(), 2);
  send(item('a', 1), true);
  await known;
  t.is(await board.alive(), 1, 'b has ended meanwhile');
});

test('a break while work is asked for has it asked for again', async t => {
  const {transport, counts, send, breakOff} = servers();
  const {request} = transport;
  const asked = Promise.withResolvers<void>();
  const slow: Transport = {
    ...transport,
    async request(...given) {
      const answer = await request(...given);
      if (counts.begun === 1) await asked.promise;
      return answer;
    },
  };
  const board = boardOf(t, slow);
  const known = board.known();
  await settle();
  breakOff();
  await settle();
  t.is(counts.begun, 1);
  asked.resolve();
  await settle();
  t.is(counts.begun, 2);
  send(item('a', 1), true);
  t.deepEqual(due(await known), ['a']);
});

test('of the cores that live exactly one begins with an item, and each with some', async t => {
  const clock = new ManualClock();
  const names = ['a', 'b', 'c'];
  const cores = names.map(name => new Living(name, clock));
  for (const core of cores) for (const name of names) core.heard(name, true);
  const counts = [0, 0, 0];
  for (let index = 0; index < 300; index++) {
    const first = cores.map(core => core.isFirst(`item-${index}`));
    t.is(first.filter(Boolean).length, 1);
    counts[first.indexOf(true)] = (counts[first.indexOf(true)] ?? 0) + 1;
  }
  for (const count of counts) t.true(count > 50, String(counts));
  const [alone] = cores;
  alone?.heard('b', false);
  await clock.advance(60_000);
  for (let index = 0; index < 50; index++) t.true(alone?.isFirst(`item-${index}`), 'the others were not heard of for long');
});
