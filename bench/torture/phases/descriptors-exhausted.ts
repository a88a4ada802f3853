import {systemClock} from '../../../src/clock.ts';
import type {Phase} from '../phase.ts';
import {strangers} from '../strangers.ts';

/** By then the idle connections to the function are closed, and strangers hold their descriptors too. */
const firstKillMs = 6000;
const killEveryMs = 3000;

export const descriptorsExhausted: Phase = {
  name: 'descriptors-exhausted',
  title: 'strangers hold every descriptor of 128; the function is killed every 3 s meanwhile',
  descriptors: 128,
  env: {CORE_RESTARTS: '2'},
  others: {perSecond: 5, path: '?ms=5'},
  // Whoever finds no place is turned away: what counts is that calls are served when the strangers have left.
  bounds: {most: {lost: Number.POSITIVE_INFINITY, functions: 2}},
  async attack(gateway, over) {
    const held = strangers(400, gateway.port, {sends: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', reads: 'all'}, over);
    for (let restMs = firstKillMs; await systemClock.sleep(restMs, over); restMs = killEveryMs) {
      for (const {pid} of gateway.look().functions) process.kill(pid, 'SIGKILL');
    }
    await held;
  },
};
