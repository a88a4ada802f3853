import {systemClock} from '../../../src/clock.ts';
import {call} from '../callers.ts';
import type {Phase} from '../phase.ts';

export const logFlood: Phase = {
  name: 'log-flood',
  title: 'the function writes lines as fast as it can',
  others: {perSecond: 200, path: '?ms=5'},
  bounds: {most: {functions: 1, coreMiB: 384}, least: {goodShare: 0.99}},
  async attack({url}, over) {
    await call(`${url}?flood`);
    await systemClock.sleep(2 ** 30, over);
  },
};
