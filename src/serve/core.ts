import {randomUUID} from 'node:crypto';
import type {KeySource} from '../../middleware/auth.ts';
import type {Clock} from '../clock.ts';
import {BodyTurns} from '../limits/body-turns.ts';
import {Budget, type Thrift} from '../limits/budget.ts';
import {freeMemory} from '../limits/free-memory.ts';
import {collectPast, leaveRoom} from '../limits/heap.ts';
import {ReplyTurns} from '../limits/reply-turns.ts';
import {bodyCopies} from '../limits/shares.ts';
import {longestWritten} from '../limits/written.ts';
import type {Observer} from '../observation.ts';
import {type OpenLog, openLog} from '../observe/log.ts';
import {linesLostIn, type Metrics, openMetrics} from '../observe/metrics/metrics.ts';
import {observedLog} from '../observe/observed-log.ts';
import {logLost} from '../observe/traces/lost.ts';
import {passingSpans, type Spans} from '../observe/traces/spans.ts';
import {doubtsOf, wantsTelemetry} from '../observe/traces/wanted.ts';
import {version} from '../version.ts';
import {openWorkers, type Workers, type WorkersHouse, type WorkersOptions} from '../workers/index.ts';
import {resolveUser} from '../workers/process/user.ts';
import {EarlyStarts} from './early-starts.ts';
import {KeptLines} from './kept-lines.ts';
import {openKeys} from './keys.ts';
import {OwnFacts} from './own-facts.ts';
import {codeLoaded} from './provenance.ts';
import {Stop} from './stop.ts';
import type {Wanted} from './wanted.ts';
import {Watched} from './watched.ts';

/** What every core process has, whether it leads or serves beside the leader. */
export interface Core {
  readonly wanted: Wanted;
  /** This boot of this process. */
  readonly instance: string;
  readonly clock: Clock;
  readonly log: OpenLog;
  readonly budget: Budget;
  readonly metrics: Metrics;
  readonly watched: Watched;
  readonly facts: OwnFacts;
  readonly lines: KeptLines;
  readonly keys: KeySource;
  readonly workers: Workers;
  readonly starts: EarlyStarts;
  readonly stop: Stop;
  readonly observer: Observer | undefined;
  /** Opens what records spans, when the settings ask for it. */
  openSpans(): Promise<Spans>;
  /** Records which code is served. */
  recordCode(): Promise<void>;
}

export interface CoreOptions {
  readonly clock: Clock;
  /** Is told what happens, in place of the log. */
  readonly observer: Observer | undefined;
  /** True in a sibling: the leader, which has the same settings, has logged what is doubtful about them. */
  readonly isQuiet: boolean;
}

/** How long a stop waits for stdout to take the last log lines: what is left of the grace time, within these bounds. */
const shortestDrainMs = 1000;
const longestDrainMs = 4000;

/**
Opens the parts of a core process in order. Objects that several parts need early exist from the start.

@param opening closes them, in the reverse order
@throws ConfigurationError when the function cannot be served as the settings say
*/
export async function openCore(wanted: Wanted, options: CoreOptions, opening: AsyncDisposableStack): Promise<Core> {
  const {env, config, spec, shares} = wanted;
  const {clock, observer, isQuiet} = options;
  const instance = randomUUID();
  let isOnChannel = isMeantForChannel(spec, config);
  const budget = new Budget(
    shares.inflightBytes,
    clock,
    thriftOf(wanted, clock, () => isOnChannel),
  );
  const facts = new OwnFacts(instance);
  const starts = new EarlyStarts();
  const watched = new Watched(budget, facts, shares);
  const {applicationName: functionName, applicationVersion: functionVersion} = config;
  const metrics = openMetrics({version, functionName, functionVersion, language: spec.language}, watched, clock);
  const {meter} = metrics;
  const stop = new Stop(metrics, clock);
  watched.stop = stop;

  const log = opening.use(
    observer
      ? observedLog(config.logLevel, observer, clock)
      : openLog({level: config.logLevel, clock, onDropped: meter.linesDropped, maxWaitingBytes: shares.logBytes}),
  );
  watched.log = log;
  const warn = (doubt: string) => (isQuiet ? undefined : log.warn({}, doubt));
  for (const warning of wanted.warnings) warn(warning);
  if (process.pid === 1) log.warn({}, 'Running as PID 1: orphans of the function are not reaped; start under an init such as `tini -g --`');
  opening.defer(() => reportStop());
  // The journal closes after the sub-runtime, whose end is a fact, too.
  opening.use(facts);
  const lines = opening.use(new KeptLines(facts, shares.journalBytes / 8, clock));
  const keys = await openKeys(config, {env, clock, log, meter, warn});
  const spansLost = logLost(meter.spansDropped, log, clock);
  opening.defer(() => spansLost.close());
  // Spans leave after those of the calls that the stop waited for.
  const telemetry = opening.use(new AsyncDisposableStack());
  const workers = opening.use(
    await openWorkers(workersOptions(wanted), {
      clock,
      log,
      meter,
      facts: observer ? observed(facts, observer, clock) : some => facts.record(some),
      line(line) {
        lines.take(line);
        log.function(line);
      },
      started(record, isCarried) {
        if (record.failure === undefined) isOnChannel = record.isOnChannel === true;
        starts.over(record, isCarried);
      },
    }),
  );
  watched.workers = workers;
  const parts = {wanted, instance, clock, log, budget, metrics, watched, facts, lines, keys, workers, starts, stop, observer};
  return {...parts, openSpans, recordCode};

  async function openSpans(): Promise<Spans> {
    let spans = passingSpans;
    if (wantsTelemetry(env)) {
      for (const doubt of doubtsOf(env)) warn(doubt);
      // It is costly to load.
      const {openTelemetry} = await import('../observe/traces/telemetry.ts');
      const memoryBytes = config.applicationMemory * 2 ** 20;
      const identity = {functionName: functionName || 'function', functionVersion, instance, memoryBytes};
      const house = {env, clock, lost: spansLost.lost, log: log.of('opentelemetry')};
      spans = telemetry.use(await openTelemetry(identity, house)).spans;
    }
    starts.record(spans);
    return spans;
  }

  async function recordCode(): Promise<void> {
    const fact = await codeLoaded(spec.handlerPath);
    if (fact) facts.record([fact]);
  }

  /** Writes the last line of the log. */
  async function reportStop(): Promise<void> {
    const {siblings} = watched;
    await siblings?.stop();
    await log.drain(Math.min(longestDrainMs, stop.leftMs + shortestDrainMs));
    const report = watched.drain();
    if (!report) return log.info({}, 'Stopped'); // the start failed, and not all metrics can be asked
    const families = [await metrics.families(), ...((await siblings?.families()) ?? [])];
    log.info({...report, linesLost: linesLostIn(families.flat())}, 'Stopped');
  }
}

/** The facts of the sub-runtimes go to the person who watches, too. */
function observed(facts: OwnFacts, observer: Observer, clock: Clock): WorkersHouse['facts'] {
  return function record(some) {
    facts.record(some);
    observer({type: 'facts', at: clock.now(), facts: some});
  };
}

/** @param isOnChannel whether the function is called on the channel now, so that there are fewer copies of a body */
function thriftOf({shares}: Wanted, clock: Clock, isOnChannel: () => boolean): Thrift {
  const {isScarce, coreBytes, garbageBytes, bodyBytes, largestBodyBytes} = shares;
  if (!isScarce) return {garbage: leaveRoom({clock})};
  const garbage = collectPast({clock, coreBytes, stepBytes: garbageBytes});
  const way = () => (isOnChannel() ? 'channel' : 'http');
  const turns = new BodyTurns(bodyBytes, () => largestBodyBytes[way()], clock);
  turns.hasRoom = bytes => {
    garbage.makeRoom?.();
    return freeMemory() >= bodyCopies[way()] * bytes;
  };
  return {garbage, turns};
}

/** Our bridges are; of another program it is known once it has started. */
const isMeantForChannel = (spec: Wanted['spec'], {hop}: Wanted['config']) => spec.command.readiness === 'report' && hop === 'auto';

function workersOptions({config, protocol, spec, environment, shares}: Wanted): WorkersOptions {
  const {upstreamHost: host, upstreamPort: port, responseMaxBytes, childMemoryBytes: memoryBytes, childUser} = config;
  const refusesExposed = protocol.body === 'open' && !config.isPublic && config.upstreamExposed === 'refuse';
  const user = childUser === undefined ? undefined : resolveUser(childUser);
  const maxReplyBytes = longestWritten(responseMaxBytes);
  // Over HTTP there are twice the copies.
  const replyBytes = shares.bodyBytes / (isMeantForChannel(spec, config) ? 1 : 2);
  const replyTurns = shares.isScarce ? new ReplyTurns(replyBytes) : undefined;
  return {...config, protocol, refusesExposed, spec, environment, host, port, memoryBytes, user, maxReplyBytes, replyTurns};
}
