import {systemClock} from '../../../src/clock.ts';
import type {Phase} from '../phase.ts';

export const functionKilled: Phase = {
  name: 'function-killed',
  title: 'SIGKILL to the function’s process every second',
  others: {perSecond: 200, path: '?ms=5'},
  bounds: {most: {functions: 2, gapMs: 10_000}, least: {goodShare: 0.9}},
  async attack(gateway, over) {
    while (await systemClock.sleep(1000, over)) {
      for (const {pid} of gateway.look().functions) process.kill(pid, 'SIGKILL');
    }
  },
};
