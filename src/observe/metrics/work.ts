import {Counter, Gauge, type Registry} from 'prom-client';
import type {Clock} from '../../clock.ts';
import type {CallbackOutcome, Meter, WorkOutcome} from '../../meter.ts';
import type {Census} from '../../work.ts';
import type {Gauges} from './gauges.ts';

const outcomes: readonly WorkOutcome[] = ['responded', 'retried', 'deferred', 'dead', 'cancelled', 'expired'];
const callbackOutcomes: readonly CallbackOutcome[] = ['delivered', 'retry', 'failed', 'stopped'];

const nothing: Census = {waiting: 0, due: 0, behind: 0, running: 0, dead: 0, oldest: undefined, next: undefined};

/** Work that waits, runs, or has failed for good. */
export function workMetrics(
  registers: Registry[],
  gauges: Pick<Gauges, 'census' | 'workWaiters'>,
  clock: Pick<Clock, 'now' | 'monotonic' | 'after'>,
): Pick<Meter, 'workAttempted' | 'callbackTried'> {
  const census = censusOf(gauges, clock);
  gauge('core_work_waiting', 'Work that waits for its time, for a place, or for an earlier item of its ordering key.', each => {
    return each.waiting + each.behind;
  });
  gauge('core_work_oldest_seconds', 'Time since the oldest work that has not ended was accepted; 0 without any.', ({oldest}) => {
    return oldest === undefined ? 0 : Math.max(0, clock.now() - oldest) / 1000;
  });
  gauge('core_work_running', 'Work that runs now.', each => each.running);
  gauge('core_dead_letters', 'Work that has failed for good and is kept.', each => each.dead);
  gauge('core_work_waiters', 'Callers who wait for the end of work.', () => gauges.workWaiters());
  const attempts = 'Attempts of work that have ended, and work that has ended without one, by outcome.';
  return {
    workAttempted: counter('core_work_attempts_total', attempts, outcomes),
    callbackTried: counter('core_callbacks_total', 'Tries to post a reply to its callback that have ended, by outcome.', callbackOutcomes),
  };

  function counter<O extends string>(name: string, help: string, known: readonly O[]): (outcome: O) => void {
    const metric = new Counter({name, help, labelNames: ['outcome'], registers});
    const counters = new Map(known.map(outcome => [outcome, metric.labels(outcome)] as const));
    for (const each of counters.values()) each.inc(0);
    return outcome => counters.get(outcome)?.inc();
  }

  function gauge(name: string, help: string, value: (census: Census) => number): void {
    new Gauge({
      name,
      help,
      aggregator: 'sum', // one process of a core has the work, the others have none
      registers,
      async collect() {
        this.set(value(await census()));
      },
    });
  }
}

/** How long a count is taken for the current one, and the longest wait for another. */
const freshMs = 1000;
const mostWaitMs = 1000;

/** Counts at most once a second. A scrape does not fail or wait for a journal that does not answer: it gets the last count. */
function censusOf(gauges: Pick<Gauges, 'census'>, clock: Pick<Clock, 'monotonic' | 'after'>): () => Promise<Census> {
  let last = nothing;
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> = Promise.resolve();
  return async () => {
    if (clock.monotonic() - askedAt >= freshMs) {
      askedAt = clock.monotonic();
      asking = within(count(), clock);
    }
    await asking;
    return last;
  };

  async function count(): Promise<void> {
    try {
      last = (await gauges.census()) ?? nothing;
    } catch {} // the journal has its own metrics and alerts
  }
}

function within(work: Promise<void>, clock: Pick<Clock, 'after'>): Promise<void> {
  return new Promise(resolve => {
    const stop = clock.after(mostWaitMs, resolve);
    work.finally(() => {
      stop();
      resolve();
    });
  });
}
