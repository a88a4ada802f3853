import type {House} from '../../src/trigger.ts';

/** How long the journal is left alone after it failed. */
const pauseMs = {first: 1000, most: 30_000};

/** Tries work that needs the journal again and again until it succeeds. @returns undefined once closed */
export type Insist = <T>(act: () => Promise<T>) => Promise<T | undefined>;

export function insistence(schedule: string, closing: AbortSignal, {clock, log}: Pick<House, 'clock' | 'log'>): Insist {
  return async function insist(act) {
    for (let pause = pauseMs.first; !closing.aborted; pause = Math.min(2 * pause, pauseMs.most)) {
      try {
        return await act();
      } catch (error) {
        log.error({schedule, cause: (error as Error).message}, 'The journal failed a schedule; trying again');
        await clock.sleep(pause, closing);
      }
    }
    return undefined;
  };
}
