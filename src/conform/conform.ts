import type {Caller} from './caller.ts';
import type {Changes, ChannelCase, CommonCase, HttpCase, Over} from './case.ts';
import {recommendedOnChannel} from './channel/recommended.ts';
import {requiredOnChannel} from './channel/required.ts';
import {ChannelSubRuntime, several} from './channel/sub-runtime.ts';
import {uploadingCases} from './channel/uploading.ts';
import {recommendedCases} from './recommended.ts';
import {requiredCases} from './required.ts';
import {SubRuntime, type SubRuntimeOptions} from './sub-runtime.ts';

/** Whether a case is required of every sub-runtime, or recommended, as our own bridges do it. */
export type Demand = 'required' | 'recommended';

export interface Verdict {
  readonly case: string;
  readonly over: Over;
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
const settleMs = 1000;

/**
Runs every case against a sub-runtime, one after another, and yields each verdict when it is known: first over HTTP, the
protocol of every sub-runtime, then on the channel, if the sub-runtime speaks there. The cases share a process; if it has
ended, it is started again for the next case.

@throws Error when the sub-runtime does not start at all, or the reason of the signal
*/
export async function* conform({handlerPath, ...options}: ConformOptions): AsyncGenerator<Verdict> {
  const usual = {...options, handlerPath: handlerPath ?? options.command[0], readiness: 'port', startMs} as const;
  const isLoaded = ({loads}: {readonly loads?: true}) => handlerPath !== undefined || !loads;
  const shared = await SubRuntime.start(usual);
  yield* judged(
    'http',
    shared,
    httpCases.filter(([, each]) => isLoaded(each)),
    async changes => SubRuntime.start({...usual, ...changes}),
    options,
  );
  const onChannel = await ChannelSubRuntime.start(usual);
  if (!onChannel) return;
  const cases = channelCases.filter(([, each]) => isLoaded(each));
  const startIn = (environment: Environment) => async (changes?: Changes) =>
    speaking(await ChannelSubRuntime.start({...usual, environment, ...changes}));
  const first = cases.filter(([, each]) => (onChannel.takesSeveral || !each.several) && (onChannel.streams || !each.streams));
  yield* judged('channel', onChannel, first, startIn(options.environment), options);
  yield* uploads(onChannel, startIn, options);
  if (onChannel.takesSeveral) return;
  // It takes one call at a time, unless it is told otherwise.
  const start = startIn({...options.environment, CORE_CONCURRENCY: String(several)});
  const told = await start();
  const further = cases
    .filter(([, each]) => (each.several === 'queued' && told.isSilentInCalls) || (each.several && told.takesSeveral))
    .filter(([, each]) => told.streams || !each.streams);
  yield* judged('channel', told, further, start, options);
}

/** The cases about bodies that are read as they come, asked of another process: it is told that they do. */
async function* uploads(
  {takesBodies, takesSeveral}: ChannelSubRuntime,
  startIn: (environment: Environment) => (changes?: Changes) => Promise<ChannelSubRuntime>,
  options: Omit<ConformOptions, 'handlerPath'>,
): AsyncGenerator<Verdict> {
  if (!takesBodies) return;
  const start = startIn({...options.environment, CORE_REQUEST_BODY: 'stream'});
  const cases = uploadCases.filter(([, each]) => takesSeveral || !each.several);
  yield* judged('channel', await start(), cases, start, options);
}

type Environment = ConformOptions['environment'];
type Demanded<Case> = readonly (readonly [Demand, Case])[];

const httpCases: Demanded<CommonCase | HttpCase> = [
  ...requiredCases.map(each => ['required', each] as const),
  ...recommendedCases.map(each => ['recommended', each] as const),
];

const isCommon = (demanded: readonly [Demand, CommonCase | HttpCase]): demanded is [Demand, CommonCase] => demanded[1].over === undefined;

const channelCases: Demanded<CommonCase | ChannelCase> = [
  ...httpCases.filter(isCommon),
  ...requiredOnChannel.map(each => ['required', each] as const),
  ...recommendedOnChannel.map(each => ['recommended', each] as const),
];

const uploadCases: Demanded<CommonCase | ChannelCase> = uploadingCases.map(each => ['required', each] as const);

/** Every title, for a caller that lays out a table. */
export const titles = [...httpCases, ...channelCases, ...uploadCases].map(([, {title}]) => title);

/** What has cases of its own kind: how to run them, and how to start another of it. */
interface Kind<Sub> {
  readonly title: string;
  run(sub: Sub, start: (changes?: Changes) => Promise<Sub>): Promise<void>;
}

async function* judged<Sub extends Caller>(
  over: Over,
  first: Sub,
  cases: Demanded<Kind<Sub>>,
  start: (changes?: Changes) => Promise<Sub>,
  {signal}: {readonly signal: AbortSignal},
): AsyncGenerator<Verdict> {
  let shared = first;
  try {
    for (const [demand, each] of cases) {
      const detail = await judge(each, shared, start);
      signal.throwIfAborted(); // a case that was broken off says nothing about the sub-runtime
      yield {case: each.title, over, demand, verdict: detail === undefined ? 'ok' : 'failed', detail: detail ?? ''};
      if (detail !== undefined && !(await shared.isUsable(settleMs))) {
        await shared[Symbol.asyncDispose]();
        shared = await start();
      }
    }
  } finally {
    await shared[Symbol.asyncDispose]();
  }
}

/** @returns why it failed; undefined when it did not */
async function judge<Sub extends Caller>(
  {run}: Kind<Sub>,
  shared: Sub,
  start: (changes?: Changes) => Promise<Sub>,
): Promise<string | undefined> {
  await using own = new AsyncDisposableStack();
  try {
    await run(shared, async changes => own.use(await start(changes)));
    await shared.settle();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function speaking(sub: ChannelSubRuntime | undefined): ChannelSubRuntime {
  if (!sub) throw new Error('started once more, it does not say that it speaks on the channel');
  return sub;
}
