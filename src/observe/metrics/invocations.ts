import {Counter, Gauge, type Registry} from 'prom-client';
import type {Meter, StreamOutcome} from '../../meter.ts';
import {BoundPairs, bound, Tallies} from './bound.ts';
import type {Gauges} from './gauges.ts';
import {Durations, seconds, type Timer, type Timers} from './timers.ts';

type InvocationMeter = Pick<
  Meter,
  'invocationEnded' | 'faulted' | 'accepted' | 'settled' | 'replyCut' | 'inFlight' | 'coldStarted' | 'streamBegan' | 'streamEnded'
>;

const streamOutcomes: readonly StreamOutcome[] = ['ended', 'failed', 'expired', 'left'];

export interface Counts {
  readonly accepted: number;
  readonly settled: number;
  /** Events that were settled and never reached the function. */
  readonly handedBack: number;
  /** Events that were settled because the process ended during the call. */
  readonly broken: number;
  /** Replies that were cut off, by whether they were settled before the stop began. */
  readonly cutOff: {readonly before: number; readonly since: number};
}

/** Counts what becomes of the events: how they end, how long they take, and whether any is lost. */
export function invocationMetrics(
  registers: Registry[],
  timers: Timers,
  gauges: Pick<Gauges, 'drain'>,
): {meter: InvocationMeter; counts(): Counts} {
  const tallies = new Tallies();
  new Counter({
    name: 'faas_invocations_total',
    help: 'Events that went through the stages.',
    labelNames: ['trigger', 'outcome'],
    registers,
    collect() {
      tallies.tell(this);
    },
  });
  const invokeSeconds = new Durations({
    name: 'faas_invoke_duration_seconds',
    help: 'Time of an event in the stages.',
    labelNames: ['trigger'],
    buckets: seconds,
    registers,
  });
  const coldStarts = new Counter({
    name: 'faas_coldstarts_total',
    help: 'Events that waited for a sub-runtime to start.',
    registers,
  });
  const timeouts = new Counter({name: 'faas_timeouts_total', help: 'Events whose deadline passed.', registers});
  const errors = new Counter({
    name: 'faas_errors_total',
    help: 'Faults by their public code.',
    labelNames: ['code'],
    registers,
  });
  const streams = new Counter({
    name: 'faas_streams_total',
    help: 'Replies that left piece by piece, by how they ended. Those that failed, or took too long, were broken off.',
    labelNames: ['outcome'],
    registers,
  });
  for (const outcome of streamOutcomes) streams.labels(outcome).inc(0);
  let openStreams = 0;
  new Gauge({
    name: 'faas_streams_open',
    help: 'Replies that leave piece by piece now.',
    registers,
    collect() {
      this.set(openStreams);
    },
  });
  new Gauge({
    name: 'core_drain_events',
    help: 'Events since the stop began, by what became of them. Lost events are in flight or were cut off.',
    labelNames: ['outcome'],
    registers,
    collect() {
      const {accepted, completed, handedBack, lost} = gauges.drain() ?? {accepted: 0, completed: 0, handedBack: 0, lost: 0};
      this.set({outcome: 'accepted'}, accepted);
      this.set({outcome: 'completed'}, completed);
      this.set({outcome: 'handed_back'}, handedBack);
      this.set({outcome: 'lost'}, lost);
    },
  });

  let accepted = 0;
  let settled = 0;
  let inFlight = 0;
  let handedBack = 0;
  let broken = 0;
  const cutOff = {before: 0, since: 0};
  new Gauge({
    name: 'core_conservation_drift',
    help: 'Accepted minus settled minus in flight; anything but 0 means that work was lost.',
    registers,
    collect() {
      this.set(accepted - settled - inFlight);
    },
  });

  const invocationCounters = new BoundPairs((trigger: string, outcome: string) => tallies.of({trigger, outcome}));
  const invokeTimers = new Map<string, Timer>();
  const timeInvoke = (trigger: string) => timers.timer(invokeSeconds.of({trigger}), 'faas_invoke_duration_seconds', trigger);

  return {
    counts: () => ({accepted, settled, handedBack, broken, cutOff: {...cutOff}}),
    meter: {
      invocationEnded(trigger, outcome, elapsed, exemplar) {
        invocationCounters.of(trigger, outcome).untold++;
        bound(invokeTimers, trigger, timeInvoke)(elapsed, exemplar);
      },
      faulted(code) {
        errors.labels(code).inc();
        if (code === 'UPSTREAM_TIMEOUT') timeouts.inc();
      },
      accepted: () => void accepted++,
      settled(fault, goesOn = false) {
        settled++;
        if (goesOn || (fault && !fault.reached)) handedBack++;
        else if (fault?.code === 'UPSTREAM_LOST') broken++;
      },
      replyCut: wasSettled => void cutOff[wasSettled ? 'before' : 'since']++,
      inFlight(change) {
        inFlight += change;
      },
      coldStarted: () => coldStarts.inc(),
      streamBegan: () => void openStreams++,
      streamEnded(outcome) {
        openStreams--;
        streams.labels(outcome).inc();
      },
    },
  };
}
