import {systemClock} from '../src/clock.ts';
import type {Measured} from './load.ts';
import {measured} from './work/contender.ts';
import {microseconds, rateOf} from './work/queue.ts';

/**
Sends one every 20 ms to the function `started`, and takes its notes of how long each took from the sending to its start. What
has not started 5 s after the last one counts as an error.

@param url where a GET takes the notes
@param send given the time that the function is to compare with
*/
export async function sendSlowly(url: string, times: number, send: (at: number) => Promise<unknown>): Promise<Measured> {
  const tookUs: number[] = [];
  await takeNotes(url);
  const begun = microseconds();
  for (let time = 0; time < times; time++) {
    await send(microseconds());
    await systemClock.sleep(20);
  }
  const passedUs = microseconds() - begun;
  for (let wait = 0; wait < 250 && tookUs.length < times; wait++) {
    tookUs.push(...(await takeNotes(url)));
    await systemClock.sleep(20);
  }
  return measured(rateOf(tookUs, passedUs, times - tookUs.length));
}

async function takeNotes(url: string): Promise<readonly number[]> {
  return (await fetch(url)).json() as Promise<number[]>; // of the function
}
