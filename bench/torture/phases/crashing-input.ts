import {systemClock} from '../../../src/clock.ts';
import {call} from '../callers.ts';
import type {Phase} from '../phase.ts';

const againMs = 100;

export const crashingInput: Phase = {
  name: 'crashing-input',
  title: 'a call that ends the function’s process, 100 ms after each time that a call was answered',
  others: {perSecond: 20, path: '?ms=5'},
  env: {CORE_RESTARTS: '4'}, // each process has answered: however often it ends, it is started again
  bounds: {most: {functions: 2, gapMs: 10_000}, least: {goodShare: 0.5}},
  async attack({url}, over) {
    while (await systemClock.sleep(againMs, over)) {
      if ((await call(url)) === 'good') await call(`${url}?crash`);
    }
  },
};
