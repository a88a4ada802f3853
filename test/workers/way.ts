import test from 'ava';
import {concurrencyOf} from '../../src/workers/process/way.ts';

const options = {
  upstream: () => {
    throw new Error('not called');
  },
  maxReplyBytes: 1000,
  concurrency: 20,
  isConcurrencySet: false,
  mostConnections: 50,
};

test('over HTTP a sub-runtime gets no more calls at a time than this process can open connections for', t => {
  t.is(concurrencyOf({loaded: true, concurrency: 10_000}, options), 50);
});

test('a number that the user has set counts, whatever is reported', t => {
  t.is(concurrencyOf({loaded: true, concurrency: 10_000}, {...options, isConcurrencySet: true}), 20);
});

test('a number that is reported counts, on the channel any', t => {
  t.is(concurrencyOf({loaded: true, concurrency: 7}, options), 7);
  t.is(concurrencyOf({loaded: true, concurrency: 10_000, isOnChannel: true}, options), 10_000);
  t.is(concurrencyOf({loaded: true}, options), 20);
});
