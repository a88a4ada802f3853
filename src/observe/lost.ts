import type {Clock} from '../clock.ts';
import type {Log} from '../log.ts';
import type {DroppedSpans} from './processor.ts';

/** Between two lines about the same trouble. */
const quietMs = 60_000;

/** Says in the log that the collector does not get spans: at once, then once a minute while it goes on. */
export function tellLost(count: DroppedSpans, log: Log, clock: Clock): DroppedSpans {
  let untold = 0;
  let isQuiet = false;
  return (reason, spans) => {
    count(reason, spans);
    untold += spans;
    if (!isQuiet) tell();

    function tell(): void {
      log.warn({spans: untold, reason}, 'Spans are lost: the collector does not answer, refuses them, or is too slow');
      untold = 0;
      isQuiet = true;
      clock.after(quietMs, () => {
        isQuiet = false;
        if (untold > 0) tell();
      });
    }
  };
}
