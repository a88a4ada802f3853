import {systemClock} from '../../../src/clock.ts';
import {call} from '../callers.ts';
import type {Phase} from '../phase.ts';

/** Less than half a second: up for so long, a process that ends counts as one that has served. */
const againMs = 200;

export const crashingInput: Phase = {
  name: 'crashing-input',
  title: 'a call that ends the function’s process, and another 200 ms after each answer to it',
  others: {perSecond: 20, path: '?ms=5'},
  env: {CORE_RESTARTS: '4'},
  bounds: {most: {functions: 2, gapMs: 10_000}, least: {goodShare: 0.2}},
  async attack({url}, over) {
    do await call(`${url}?crash`);
    while (await systemClock.sleep(againMs, over));
  },
};
