import type {ConformanceCase, StartAnother} from './case.ts';
import {recommendedCases} from './recommended.ts';
import {requiredCases} from './required.ts';
import {SubRuntime, type SubRuntimeOptions} from './sub-runtime.ts';

/** What a case demands: of every sub-runtime, or only of one that wants what our own bridges have. */
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
/** A case that failed may have taken the process with it; its end is noticed by then. */
const settleMs = 250;

/**
Runs every case against a sub-runtime, one after the other, and yields each verdict when it stands.
The cases share a process; one that has ended is started again for the next case.

@throws Error when the sub-runtime does not start at all, or the reason of the signal
*/
export async function* conform({handlerPath, ...options}: ConformOptions): AsyncGenerator<Verdict> {
  const usual = {...options, handlerPath: handlerPath ?? options.command[0], readiness: 'port', startMs} as const;
  let shared = await SubRuntime.start(usual);
  try {
    for (const [demand, each] of ordered(handlerPath !== undefined)) {
      const judged = await judge(each, shared, usual);
      options.signal.throwIfAborted(); // what broke off says nothing of the sub-runtime
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
