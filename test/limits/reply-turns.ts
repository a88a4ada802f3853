import test from 'ava';
import {countedReply, ReplyTurns} from '../../src/limits/reply-turns.ts';

const learnOften = (turns: ReplyTurns, times: number, bytes = 0) => {
  for (let time = 0; time < times; time++) turns.learn(bytes);
};

test('calls of which nothing is known run two at a time, and with each reply one more may', t => {
  const turns = new ReplyTurns(1_000_000);
  t.is(turns.calls, 2);
  learnOften(turns, 98);
  t.is(turns.calls, 100);
});

test('with more memory more of the first calls run at a time', t => {
  t.is(new ReplyTurns(12 * 2 ** 20).calls, 8);
});

test('as many calls run as replies fit that are as long as the longest that came lately', t => {
  const turns = new ReplyTurns(1_000_000);
  learnOften(turns, 100);
  turns.learn(300_000);
  t.is(turns.calls, 3);
  turns.learn(200_000);
  t.is(turns.calls, 3);
  turns.learn(500_000);
  t.is(turns.calls, 2);
});

test('one call always runs', t => {
  const turns = new ReplyTurns(1_000_000);
  turns.learn(5_000_000);
  t.is(turns.calls, 1);
});

test('a long reply is forgotten after some hundreds of short ones, not before', t => {
  const turns = new ReplyTurns(1_000_000);
  turns.learn(4_000_000);
  learnOften(turns, 80, 100);
  t.is(turns.calls, 1);
  learnOften(turns, 320, 100);
  t.true(turns.calls >= 100);
});

test('short replies do not count, however little fits', t => {
  const turns = new ReplyTurns(2 * countedReply);
  learnOften(turns, 100, countedReply);
  t.is(turns.calls, 102);
});
