import type {Supervisor} from './process/supervisor.ts';

/** Why a reload ended when a newer one took its place. */
export const superseded = 'a newer reload took its place';

/**
Makes the function that lets newer code take over, in one place of the pool after another. While a reload is under way, another
one is refused; one that supersedes takes its place instead, so that code which does not finish loading keeps nothing waiting.
Calls in the processes of older versions finish. Where these are many, a reload is refused; one that supersedes ends the oldest.

@returns a function that resolves to undefined when every place has the newer code, else to the reason why not
*/
export function reloaderOf(supervisors: readonly Pick<Supervisor, 'reload'>[]): (supersedes?: boolean) => Promise<string | undefined> {
  let newest = 0;
  let reloading = 0;
  return async (supersedes = false) => {
    if (reloading > 0 && !supersedes) return 'a reload is under way already';
    newest++;
    const own = newest;
    reloading++;
    try {
      for (const [done, supervisor] of supervisors.entries()) {
        const problem = await supervisor.reload(supersedes);
        if (own !== newest) return superseded;
        if (problem === undefined) continue;
        return done === 0 ? problem : `${problem}; ${done} of ${supervisors.length} sub-runtimes have the newer code`;
      }
      return undefined;
    } finally {
      reloading--;
    }
  };
}
