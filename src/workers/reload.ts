import type {Supervisor} from './process/supervisor.ts';

/**
Makes the function that lets newer code take over, in one place of the pool after another.

@returns a function that resolves to undefined when every place has the newer code, else to the reason why not
*/
export function reloaderOf(supervisors: readonly Pick<Supervisor, 'reload'>[]): () => Promise<string | undefined> {
  let reloading = false;
  return async () => {
    if (reloading) return 'a reload is under way already';
    reloading = true;
    try {
      for (const [done, supervisor] of supervisors.entries()) {
        const problem = await supervisor.reload();
        if (problem === undefined) continue;
        return done === 0 ? problem : `${problem}; ${done} of ${supervisors.length} sub-runtimes have the newer code`;
      }
      return undefined;
    } finally {
      reloading = false;
    }
  };
}
