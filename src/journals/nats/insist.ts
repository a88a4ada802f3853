import type {Clock} from '../../clock.ts';
import {Fault} from '../../errors.ts';
import {Away} from './transport.ts';

/** Longer than an election and the request that was lost in it. */
const patienceMs = 15_000;
const firstPauseMs = 20;
const longestPauseMs = 500;

/** How long something is tried, and when it is not tried any more. */
export interface Patience {
  readonly clock: Pick<Clock, 'monotonic' | 'sleep' | 'now' | 'after'>;
  readonly closing: AbortSignal;
}

/**
Does something again for as long as no server answers. While there is no leader they say so at once, so this goes by time.

@throws Fault JOURNAL_FAILED
*/
export async function insist<T>({clock, closing}: Patience, act: (tries: number) => Promise<T>): Promise<T> {
  const until = clock.monotonic() + patienceMs;
  for (let tries = 0, pauseMs = firstPauseMs; ; tries++, pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      return await act(tries);
    } catch (error) {
      if (!(error instanceof Away)) throw error;
      if (clock.monotonic() >= until) throw failed('no server answered in time', error);
      if (!(await clock.sleep(pauseMs, closing))) throw failed('it is closed', error);
    }
  }
}

/** Does something that is not done again. @throws Fault JOURNAL_FAILED when no server is there */
export async function once(act: () => void): Promise<void> {
  try {
    act();
  } catch (error) {
    throw error instanceof Away ? failed('no server is there', error) : error;
  }
}

/** What was asked for may have been done all the same. */
export const failed = (why: string, cause?: unknown) => new Fault('JOURNAL_FAILED', {cause: new Error(why, {cause}), retryAfterS: 1});
