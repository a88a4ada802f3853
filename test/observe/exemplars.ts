import test from 'ava';
import {Exemplars} from '../../src/observe/metrics/exemplars.ts';

test('a bucket without a traced sample has no exemplar', t => {
  const exemplars = new Exemplars([0.1, 1]);
  exemplars.keep(0.5, 'a', 1);
  t.is(exemplars.of(0.1), undefined);
  t.is(exemplars.of('+Inf'), undefined);
  t.is(exemplars.of(7), undefined); // not a bound
});

test('a sample goes to the first bucket that holds it, its bound included', t => {
  const exemplars = new Exemplars([0.1, 1]);
  exemplars.keep(0.1, 'a', 1);
  exemplars.keep(0.11, 'b', 2);
  exemplars.keep(1.01, 'c', 3);
  t.is(exemplars.of(0.1)?.traceId, 'a');
  t.is(exemplars.of('1')?.traceId, 'b');
  t.is(exemplars.of('+Inf')?.traceId, 'c');
});

test('the newest sample takes the place of the one before', t => {
  const exemplars = new Exemplars([1]);
  exemplars.keep(0.2, 'a', 1000);
  exemplars.keep(0.3, 'b', 2000);
  t.deepEqual({...exemplars.of(1)}, {traceId: 'b', value: 0.3, at: 2000});
});
