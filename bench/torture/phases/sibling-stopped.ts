import {systemClock} from '../../../src/clock.ts';
import type {Phase} from '../phase.ts';

const everyMs = 20_000;
const firstMs = 2000;

export const siblingStopped: Phase = {
  name: 'sibling-stopped',
  title: 'three core processes, of which one is stopped (SIGSTOP) every twenty seconds',
  isOurs: true,
  env: {CORE_PROCESSES: '3'},
  others: {perSecond: 20, path: '?ms=5'},
  // Calls that a stopped process has taken, or will be given, end with it.
  bounds: {most: {slowestMs: 15_000, lost: Number.POSITIVE_INFINITY, functions: 6, gapMs: 10_000}, least: {goodShare: 0.7}},
  async attack(gateway, over) {
    for (let restMs = firstMs; await systemClock.sleep(restMs, over); restMs = everyMs) {
      const sibling = gateway.look().cores.find(({pid}) => pid !== gateway.pid);
      if (sibling) process.kill(sibling.pid, 'SIGSTOP');
    }
  },
};
