import {authPublic} from '../../middleware/auth.ts';
import {eventWriter} from '../../middleware/event/write.ts';
import {deliverThrough, pipeline} from '../../middleware/index.ts';
import type {Clock} from '../clock.ts';
import type {Log} from '../log.ts';
import type {Meter} from '../meter.ts';
import {passingSpans} from '../observe/traces/spans.ts';
import type {FunctionSpec, Runtimes, StartRecord} from '../runtime.ts';
import {eventOptions} from '../serve/chain.ts';
import {codeLoaded} from '../serve/provenance.ts';
import type {Config} from '../settings/config.ts';
import {openWorkers} from '../workers/index.ts';
import {resolveUser} from '../workers/process/user.ts';
import type {Outcome} from './compare.ts';
import {Replayed} from './delivery.ts';
import type {Recalled} from './recall.ts';

/** Runs recorded events again. */
export interface Rerun {
  run(recalled: Recalled): Promise<Outcome>;
}

/** A process with one version of the code, which runs them. */
export interface OpenRerun extends Rerun, AsyncDisposable {
  /** SHA-256 of the handler's file; undefined when it cannot be read. */
  readonly digest: string | undefined;
}

export interface RerunOptions {
  readonly config: Config;
  readonly spec: FunctionSpec;
  /** What the user's environment gives the function. */
  readonly environment: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** Ends it at once. */
  readonly signal: AbortSignal;
}

/** Lines of the function that are kept, to say why it did not start. */
const lastLines = 10;

/**
Starts a sub-runtime and the stages in front of it. Nothing is counted, recorded, traced or logged; lines of the
function are dropped.

@throws Error when the function does not start or load, with what it wrote last
*/
export async function openRerun({config, spec, environment, clock, signal}: RerunOptions): Promise<OpenRerun> {
  const lines: string[] = [];
  const first = Promise.withResolvers<StartRecord>();
  const {responseMaxBytes, childMemoryBytes: memoryBytes, childUser} = config;
  const user = childUser === undefined ? undefined : resolveUser(childUser);
  const maxReplyBytes = 6 * responseMaxBytes + 2 ** 20; // as the core that recorded it read
  const place = {host: '127.0.0.1', port: 0, workers: 1, concurrency: 1, queueLength: 1};
  await using opening = new AsyncDisposableStack();
  const workers = opening.use(
    await openWorkers(
      {...config, ...place, spec, environment, maxReplyBytes, user, memoryBytes},
      {
        clock,
        log: silent,
        meter: uncounted,
        facts() {},
        line({line}) {
          lines.push(line);
          if (lines.length > lastLines) lines.shift();
        },
        started: record => first.resolve(record),
      },
    ),
  );
  if (signal.aborted) workers.kill();
  signal.addEventListener('abort', () => workers.kill(), {once: true});
  const {error} = await first.promise;
  if (error !== undefined) throw new Error([error, ...lines.map(line => `  ${line}`)].join('\n'));
  const code = await codeLoaded(spec.handlerPath);
  const stages = stagesOf(config, spec, workers.runtimes, clock);
  const deliver = deliverThrough(stages, clock);
  const open = opening.move();

  return {
    digest: code?.type === 'code.loaded' ? code.data.digest : undefined,
    async run(recalled) {
      const replayed = new Replayed(recalled);
      await deliver(replayed, replayed);
      const {result} = replayed;
      if (!result) throw new TypeError('Expected the stages to have replied');
      const {status, headers, body, fault} = result;
      return {status, code: fault?.code, headers, body: typeof body === 'string' ? Buffer.from(body) : body};
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** The same chain as in a core. Its caller was let in when the event was recorded. */
function stagesOf(config: Config, spec: FunctionSpec, runtimes: Runtimes, clock: Clock) {
  return pipeline({
    ...config,
    cancel: 'finish',
    spans: passingSpans,
    meter: uncounted,
    log: silent,
    clock,
    guard: authPublic(),
    write: eventWriter({...eventOptions(config, spec), replay: true}),
    keep: {accepted: () => undefined, settled() {}, deferred() {}},
    runtimes,
  });
}

const silent: Log = {debug() {}, info() {}, warn() {}, error() {}};

const uncounted: Meter = {
  requestStarted() {},
  connectionRefused() {},
  requestEnded() {},
  invocationEnded() {},
  faulted() {},
  accepted() {},
  settled() {},
  replyCut() {},
  pipelined() {},
  connectionCut() {},
  inFlight() {},
  coldStarted() {},
  queued() {},
  dequeued() {},
  runtimeReady() {},
  runtimeExited() {},
  processRestarted() {},
  runtimeTried() {},
  spared() {},
  appended() {},
  scheduleFired() {},
  scheduleWaits() {},
  scheduleNext() {},
  scheduleHeld() {},
  scheduleMissed() {},
  shed() {},
  payloadsShed() {},
  keySetFailed() {},
  keySetAge() {},
  linesDropped() {},
  readers() {},
  readerRefused() {},
  spansDropped() {},
};
