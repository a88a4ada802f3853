import {systemClock} from '../../../src/clock.ts';
import {call} from '../callers.ts';
import type {Phase} from '../phase.ts';

const roundMs = 1500;
const headers = {'Core-Timeout': '100ms'};

export const callerDeadlines: Phase = {
  name: 'caller-deadlines',
  title: 'calls that block, or take long, with Core-Timeout: 100ms, each with a neighbour that waits',
  isOurs: true,
  others: {perSecond: 5, path: '?ms=4000'},
  bounds: {most: {functions: 2, slowestMs: 20_000}, least: {goodShare: 0.99}},
  async attack({url}, over) {
    const open: Promise<unknown>[] = [];
    for (let round = 0; await systemClock.sleep(roundMs, over); round++) {
      open.push(call(`${url}${round % 2 === 0 ? '?block=1300' : '?ms=10000'}`, {headers}));
    }
    await Promise.all(open);
  },
};
