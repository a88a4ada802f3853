import test from 'ava';
import {Room} from '../../src/messages/room.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {isPending} from '../helpers/pool.ts';

function full(most: number) {
  const [clock, closing] = [new ManualClock(), new AbortController()];
  const room = new Room({most, mostBytes: 2 ** 20}, clock, closing.signal);
  for (let count = 0; count < most; count++) room.take(1);
  return {clock, closing, room};
}

test('a place is given as soon as it is free', async t => {
  const {room} = full(8);
  const waiting = room.some();
  t.true(await isPending(waiting));
  room.release(1);
  t.is(await waiting, 1);
});

test('who asks for many waits for a quarter of the places, for a short time', async t => {
  const {clock, room} = full(8);
  const [many, few] = [room.many(), room.many()];
  room.release(1);
  t.true(await isPending(many));
  room.release(1);
  t.is(await many, 2);
  t.is(await few, 2);
  room.take(1);
  const late = room.many();
  t.true(await isPending(late));
  await clock.advance(2);
  t.is(await late, 1);
  t.is(clock.pending, 0);
});

test('whose place was taken meanwhile goes on waiting, until nothing more is wanted', async t => {
  const {clock, closing, room} = full(8);
  const waiting = room.many();
  room.release(1);
  await settle();
  room.take(1);
  await clock.advance(2);
  t.true(await isPending(waiting));
  closing.abort();
  t.is(await waiting, 0);
  t.is(await room.many(), 0);
  t.is(await room.some(), 0);
});

test('whose call ends before its turn comes gives up its turn, and what has to run keeps it', async t => {
  const room = new Room({most: 1, mostBytes: 1000}, new ManualClock(), new AbortController().signal);
  const ending = new AbortController();
  t.true(room.begin(ending.signal));
  const [first, second] = [room.begin(ending.signal), room.begin()];
  t.true(await isPending(Promise.resolve(first)));
  ending.abort();
  t.false(await first);
  t.false(room.begin(ending.signal));
  t.true(await isPending(Promise.resolve(second)));
  room.end();
  t.true(await second);
  room.end();
  t.true(room.begin(new AbortController().signal), 'no turn is left');
});

test('where there are few places, one is enough', async t => {
  const {room} = full(2);
  const waiting = room.many();
  room.release(1);
  t.is(await waiting, 1);
});

test('as many are asked for as fit if they are as large as the largest of late, and one where nothing is held', async t => {
  const room = new Room({most: 100, mostBytes: 16_000}, new ManualClock(), new AbortController().signal);
  t.is(await room.some(), 4, 'before any has come');
  room.take(4000);
  t.is(room.free, 3);
  t.is(await room.some(), 3);
  t.is(room.bytes, 12_000);
  room.take(20_000);
  t.is(room.free, 0);
  const waiting = room.some();
  t.true(await isPending(waiting));
  room.release(4000);
  t.true(await isPending(waiting));
  room.release(20_000);
  t.is(await waiting, 1);
  for (let count = 0; count < 1000; count++) {
    room.take(10);
    room.release(10);
  }
  t.is(await room.some(), 100, 'all are small by now');
});
