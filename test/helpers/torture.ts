import {inspect} from 'node:util';
import test from 'ava';
import type {Phase} from '../../bench/torture/phase.ts';
import {torture} from '../../bench/torture/torture.ts';

/** A phase of bench/torture.ts for some seconds, one after the other: its bounds hold. */
export function holdsUnder(phase: Phase, seconds: number): void {
  const why = phase.unable?.();
  const run = why === undefined ? test.serial : test.skip;
  run(`bounds hold: ${phase.title}${why === undefined ? '' : ` (skipped: ${why})`}`, async t => {
    t.timeout(180_000);
    const {findings, causes, broken} = await torture(phase, seconds);
    t.deepEqual(broken, [], inspect({findings, causes}));
  });
}
