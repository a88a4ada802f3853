import {systemClock} from '../../../src/clock.ts';
import type {Phase} from '../phase.ts';

export const restarts: Phase = {
  name: 'restarts',
  title: 'SIGTERM every five seconds, and started anew',
  others: {perSecond: 200, path: '?ms=50'},
  bounds: {least: {goodShare: 1}},
  async attack(gateway, over) {
    while (await systemClock.sleep(5000, over)) {
      await gateway.stop();
      await gateway.start();
    }
  },
};
