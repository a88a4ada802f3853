import {authPublic} from '../../middleware/auth.ts';
import {eventWriter} from '../../middleware/event/write.ts';
import {deliverThrough, pipeline} from '../../middleware/index.ts';
import {protocols} from '../../protocols/index.ts';
import type {Clock} from '../clock.ts';
import type {Carrier, Delivery} from '../delivery.ts';
import {longestWritten} from '../limits/written.ts';
import type {FunctionLine, Log} from '../log.ts';
import type {Meter} from '../meter.ts';
import {passingSpans} from '../observe/traces/spans.ts';
import type {Protocol} from '../protocol.ts';
import type {FunctionSpec, Runtimes, StartRecord} from '../runtime.ts';
import type {Config} from '../settings/config.ts';
import {openWorkers} from '../workers/index.ts';
import {resolveUser} from '../workers/process/user.ts';
import {eventOptions} from './chain.ts';

/** A function in a process of its own, with the stages in front of it and nothing else of a core: no port, no journal. */
export interface FunctionAlone extends AsyncDisposable {
  /** Sends a delivery through the stages. Its caller is let in. */
  deliver(delivery: Delivery, carrier: Carrier): Promise<void>;
}

export interface AloneOptions {
  readonly config: Config;
  readonly spec: FunctionSpec;
  /** What the user's environment gives the function. */
  readonly environment: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** Ends it at once. */
  readonly signal: AbortSignal;
  /** True: the function is told that its events are run again. */
  readonly isReplay: boolean;
  /** Takes each line that the function prints. */
  line(line: FunctionLine): void;
}

/** The function did not start, or its handler could not be loaded. */
export class NotStarted extends Error {}

/**
Starts a sub-runtime and the stages in front of it. Nothing is counted, recorded, traced or logged.

@throws NotStarted with what went wrong
@throws ConfigurationError for a user that does not exist
*/
export async function openAlone({config, spec, environment, clock, signal, isReplay, line}: AloneOptions): Promise<FunctionAlone> {
  const first = Promise.withResolvers<StartRecord>();
  const {responseMaxBytes, childMemoryBytes: memoryBytes, childUser} = config;
  const user = childUser === undefined ? undefined : resolveUser(childUser);
  const maxReplyBytes = longestWritten(responseMaxBytes);
  const protocol = protocolOf(config);
  const place = {host: '127.0.0.1', port: 0, workers: 1, concurrency: 1, queueLength: 1};
  await using opening = new AsyncDisposableStack();
  const workers = opening.use(
    await openWorkers(
      {...config, ...place, protocol, refusesExposed: false, spec, environment, maxReplyBytes, user, memoryBytes},
      {clock, log: silent, meter: uncounted, facts() {}, line, started: record => first.resolve(record)},
    ),
  );
  if (signal.aborted) workers.kill();
  signal.addEventListener('abort', () => workers.kill(), {once: true});
  const {error} = await first.promise;
  if (error !== undefined) throw new NotStarted(error);
  const deliver = deliverThrough(stagesOf({config, spec, clock, isReplay}, workers.runtimes), clock);
  const open = opening.move();
  return {deliver, [Symbol.asyncDispose]: () => open.disposeAsync()};
}

const protocolOf = ({protocolName}: Config): Protocol => protocols[protocolName];

/** The same chain as in a core. */
function stagesOf({config, spec, clock, isReplay}: Pick<AloneOptions, 'config' | 'spec' | 'clock' | 'isReplay'>, runtimes: Runtimes) {
  return pipeline({
    ...config,
    cancel: 'finish',
    spans: passingSpans,
    meter: uncounted,
    log: silent,
    clock,
    guard: authPublic(),
    write: protocolOf(config).write ?? eventWriter({...eventOptions(config, spec), ...(isReplay && {replay: true})}),
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
  batchesWatched() {},
  replyCut() {},
  pipelined() {},
  connectionCut() {},
  inFlight() {},
  streamBegan() {},
  streamEnded() {},
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
  workAttempted() {},
  callbackTried() {},
  messageEnded() {},
  messagesWatched() {},
  shed() {},
  payloadsShed() {},
  keySetFailed() {},
  keySetAge() {},
  linesDropped() {},
  readers() {},
  readerRefused() {},
  spansDropped() {},
};
