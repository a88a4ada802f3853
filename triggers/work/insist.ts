import type {ClaimingHouse} from '../../src/trigger.ts';

/** How long the journal is left alone after it failed. */
const pauseMs = {first: 250, most: 30_000};

/**
Tries again until the journal takes it.

@param act is told whether it failed before
@param atEnd go on during a stop, until its grace time is over
@returns undefined when the journal did not take it
*/
export type Insist = <T>(act: (isAgain: boolean) => Promise<T>, atEnd?: boolean) => Promise<T | undefined>;

export function insistence(closing: AbortSignal, {clock, log, hurry}: Pick<ClaimingHouse, 'clock' | 'log' | 'hurry'>): Insist {
  return async function insist(act, atEnd = false) {
    for (let pause = pauseMs.first, isAgain = false; ; pause = Math.min(2 * pause, pauseMs.most), isAgain = true) {
      try {
        return await act(isAgain);
      } catch (error) {
        const isOver = hurry.aborted || (closing.aborted && !atEnd);
        log.error({cause: (error as Error).message}, isOver ? 'The journal failed work' : 'The journal failed work; trying again');
        if (isOver) return undefined;
        await clock.sleep(pause, hurry);
      }
    }
  };
}
