import type {ConformanceCase, StartAnother} from './case.ts';
import {recommendedCases} from './recommended.ts';
import {requiredCases} from './required.ts';
import {SubRuntime, type SubRuntimeOptions} from './sub-runtime.ts';

/** Whether a case is required of every sub-runtime, or recommended, as our own bridges do it. */
export type Demand = 'required' | 'recommended';

export interface Verdict {
  readonly case: string;
  readonly demand: Demand;
  readonly verdict: 'ok' | 'failed';
  /** Why it failed: what was expected and what came. Empty when it did not. */
  readonly detail: string;
}

export interface ConformOptions extends Omit<SubRuntimeOptions, 'handlerPath' | 'readiness' | 'startMs'> {
  /** Undefined: the conformance function is compiled into the program; cases about loading are left out. */
  readonly handlerPath: string | undefined;
}

const startMs = 30_000;
/** A failed case may have ended the process. Within this time its end is noticed. */
const settleMs = 250;

/**
Runs every case against a sub-runtime, one after another, and yields each verdict when it is known. The cases share a
process; if it has ended, it is started again for the next case.

@throws Error when the sub-runtime does not start at all, or the reason of the signal
*/
export async function* conform({handlerPath, ...options}: ConformOptions): AsyncGenerator<Verdict> {
  const usual = {...options, handlerPath: handlerPath ?? options.command[0], readiness: 'port', startMs} as const;
  let shared = await SubRuntime.start(usual);
  try {
    for (const [demand, each] of ordered(handlerPath !== undefined)) {
      const judged = await judge(each, shared, usual);
      options.signal.throwIfAborted(); // a case that was broken off says nothing about the sub-runtime
      yield {case: each.title, demand, ...judged};
      if (judged.verdict === 'failed' && (await shared.endsWithin(settleMs))) {
        await shared[Symbol.asyncDispose]();
        shared = await SubRuntime.start(usual);
      }
    }
  } finally {
    await shared[Symbol.asyncDispose]();
  }
}

/** Every title, for a caller that lays out a table. */
export const titles = [...requiredCases, ...recommendedCases].map(({title}) => title);

function ordered(loads: boolean): (readonly [Demand, ConformanceCase])[] {
  const all = [...requiredCases.map(each => ['required', each] as const), ...recommendedCases.map(each => ['recommended', each] as const)];
  return all.filter(([, each]) => loads || !each.loads);
}

async function judge({run}: ConformanceCase, shared: SubRuntime, usual: SubRuntimeOptions): Promise<Pick<Verdict, 'verdict' | 'detail'>> {
  await using own = new AsyncDisposableStack();
  const start: StartAnother = async changes => own.use(await SubRuntime.start({...usual, ...changes}));
  try {
    await run(shared, start);
    return {verdict: 'ok', detail: ''};
  } catch (error) {
    return {verdict: 'failed', detail: error instanceof Error ? error.message : String(error)};
  }
}
