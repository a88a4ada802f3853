import test from 'ava';
import {earlyFloor} from '../../src/journals/nats/sweep/early.ts';

/* Up to where a stream that is almost full loses what is over. */

const size = {bytes: 90, mostBytes: 100, first: 1, last: 1001};

test('it is the oldest quarter of what was not looked at yet, however old the first message is', t => {
  t.is(earlyFloor(size, 0), 251);
  t.is(earlyFloor({...size, first: 801}, 0), 851);
  t.is(earlyFloor(size, 801), 851);
  t.is(earlyFloor(size, 851), 889);
  t.is(earlyFloor(size, 1001), 1001, 'all was looked at');
  t.is(earlyFloor(size, 2000), 2000);
});

test('it is nothing while there is room', t => {
  t.is(earlyFloor({...size, bytes: 80}, 801), 0);
  t.is(earlyFloor({...size, mostBytes: undefined}, 801), 0);
  t.is(earlyFloor(size, 801, 0.98), 0);
});
