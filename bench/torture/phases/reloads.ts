import {systemClock} from '../../../src/clock.ts';
import type {Phase} from '../phase.ts';

export const reloads: Phase = {
  name: 'reloads',
  title: 'SIGHUP every two seconds',
  others: {perSecond: 200, path: '?ms=5'},
  bounds: {most: {functions: 2}, least: {goodShare: 1}},
  async attack(gateway, over) {
    while (await systemClock.sleep(2000, over)) gateway.signal('SIGHUP');
  },
};
