import test from 'ava';
import {phasesOf} from '../../src/projections/phases.ts';

const view = {id: 'a', status: 'responded'} as const;

test('nothing is said about time that nobody measured', t => {
  t.deepEqual(phasesOf({...view, status: 'running'}), []);
  t.deepEqual(phasesOf({...view, durationMs: 5}), []);
});

test('a refused invocation waited for a place, or was never that far', t => {
  t.deepEqual(phasesOf({...view, durationMs: 5, code: 'POOL_BUSY'}), [{phase: 'waited', fromMs: 0, ms: 5}]);
  t.deepEqual(phasesOf({...view, durationMs: 5, code: 'UPSTREAM_TIMEOUT'}), [{phase: 'accepted', fromMs: 0, ms: 5}]);
});

test('the parts follow one another and add up', t => {
  t.deepEqual(phasesOf({...view, durationMs: 50, calledAtMs: 12.5, waitedMs: 12, calledMs: 37}), [
    {phase: 'accepted', fromMs: 0, ms: 0.5},
    {phase: 'waited', fromMs: 0.5, ms: 12},
    {phase: 'called', fromMs: 12.5, ms: 37},
    {phase: 'answered', fromMs: 49.5, ms: 0.5},
  ]);
});

test('a wait for a process that starts has a name of its own; clocks that disagree give nothing below zero', t => {
  t.deepEqual(
    phasesOf({...view, durationMs: 10, calledAtMs: 10, waitedMs: 11, calledMs: 0, cold: true}).map(({phase, ms}) => [phase, ms]),
    [
      ['started', 10],
      ['called', 0],
    ],
  );
});
