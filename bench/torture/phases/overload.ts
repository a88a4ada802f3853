import {systemClock} from '../../../src/clock.ts';
import type {Phase} from '../phase.ts';

export const overload: Phase = {
  name: 'overload',
  title: 'ten times the calls that the function can take',
  others: {perSecond: 1000, path: '?ms=100'},
  env: {CORE_CONCURRENCY: '10', CORE_QUEUE: '100'},
  bounds: {most: {functions: 1, coreMiB: 384}, least: {goodShare: 0.03}},
  attack: async (_gateway, over) => void (await systemClock.sleep(2 ** 30, over)), // the calls are the attack
};
