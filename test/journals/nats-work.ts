import test from 'ava';
import type {Transport} from '../../src/journals/nats/transport.ts';
import {Living} from '../../src/journals/nats/work/living.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {boardOf, servers} from '../helpers/nats-board.ts';
import {due, item} from '../helpers/nats-items.ts';

/* What cores make of all that servers have about work. */

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

test('an item of which only the place is heard holds back its key, until it is found to be over', async t => {
  const {transport, send, place, beat} = servers();
  const asked: string[] = [];
  const clock = new ManualClock();
  const message = {subject: '', reply: '', body: Buffer.from('')};
  const gather: Transport['gather'] = async (_, body) => {
    const [of = '', barrier = ''] = JSON.parse(body).multi_last;
    asked.push(of);
    const fields: Record<string, string> = {'Nats-Subject': barrier, 'Nats-Sequence': '50'};
    return [
      {...message, code: 0, field: name => fields[name] ?? ''},
      {...message, code: 204, field: () => ''},
    ];
  };
  const board = boardOf(t, {...transport, gather}, clock);
  let isDue = false;
  const known = board.known();
  await settle();
  place(item('a', 1, {orderingKey: 'k'}));
  place(item('b', 3, {orderingKey: 'k'}));
  send(item('b', 4, {orderingKey: 'k'}), true);
  const standing = await known;
  board.tellDue = () => {
    isDue = true;
  };
  t.deepEqual(due(standing), []);
  t.like(standing.list({limit: 9}), [
    {id: 'a', status: 'waiting'},
    {id: 'b', status: 'behind'},
  ]);
  await clock.advance(3000);
  t.deepEqual(asked, [], 'it may come');
  beat();
  await clock.advance(3000);
  await settle();
  t.deepEqual(asked, ['core.shop.j.w.a']);
  t.true(isDue);
  t.deepEqual(due(standing), ['b']);
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
