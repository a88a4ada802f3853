import type {Clock} from '../../clock.ts';
import type {Log} from '../../log.ts';

/**
Why spans did not reach a collector: the queue was full; the collector did not take them, or could not be reached; they had
not left when the stop was over.
*/
export type Loss = 'queue_full' | 'not_taken' | 'stopped';

/** Called with spans that a collector does not get. */
export type LostSpans = (reason: Loss, spans: number, exporter: string, cause?: string) => void;

/** Time between two lines about the same trouble. */
const quietMs = 60_000;
/** Characters of a cause that are logged: it may be a collector's answer. */
const longestCause = 500;

/** Logs that spans are lost: at once, then once a minute while it goes on, and once more at the close. */
export function logLost(count: (reason: Loss, spans: number) => void, log: Log, clock: Clock): {lost: LostSpans; close(): void} {
  let unlogged: Partial<Record<Loss, number>> = {};
  let last: {exporter: string; cause?: string} = {exporter: ''};
  let stopTimer: (() => void) | undefined;

  return {
    lost(reason, spans, exporter, cause) {
      count(reason, spans);
      unlogged[reason] = (unlogged[reason] ?? 0) + spans;
      if (cause !== undefined || last.exporter !== exporter)
        last = {exporter, ...(cause !== undefined && {cause: cause.slice(0, longestCause)})};
      if (!stopTimer) write();
    },
    close() {
      stopTimer?.();
      write();
    },
  };

  function write(): void {
    stopTimer = undefined;
    const spans = Object.values(unlogged).reduce((sum, some) => sum + some, 0);
    if (spans === 0) return;
    log.warn({spans, reasons: unlogged, ...last}, 'Spans are lost: the collector does not answer, refuses them, or is too slow');
    unlogged = {};
    stopTimer = clock.after(quietMs, write);
  }
}
