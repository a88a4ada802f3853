import test from 'ava';
import {Room} from '../../src/messages/room.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {isPending} from '../helpers/pool.ts';

function full(most: number) {
  const [clock, closing] = [new ManualClock(), new AbortController()];
  const room = new Room(most, clock, closing.signal);
  for (let count = 0; count < most; count++) room.take();
  return {clock, closing, room};
}

test('a place is given as soon as it is free', async t => {
  const {room} = full(8);
  const waiting = room.some();
  t.true(await isPending(waiting));
  room.release();
  t.is(await waiting, 1);
});

test('who asks for many waits for a quarter of the places, for a short time', async t => {
  const {clock, room} = full(8);
  const [many, few] = [room.many(), room.many()];
  room.release();
  t.true(await isPending(many));
  room.release();
  t.is(await many, 2);
  t.is(await few, 2);
  room.take();
  const late = room.many();
  t.true(await isPending(late));
  await clock.advance(2);
  t.is(await late, 1);
  t.is(clock.pending, 0);
});

test('whose place was taken meanwhile goes on waiting, until nothing more is wanted', async t => {
  const {clock, closing, room} = full(8);
  const waiting = room.many();
  room.release();
  await settle();
  room.take();
  await clock.advance(2);
  t.true(await isPending(waiting));
  closing.abort();
  t.is(await waiting, 0);
  t.is(await room.many(), 0);
  t.is(await room.some(), 0);
});

test('where there are few places, one is enough', async t => {
  const {room} = full(2);
  const waiting = room.many();
  room.release();
  t.is(await waiting, 1);
});
