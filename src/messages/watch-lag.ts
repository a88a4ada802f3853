import type {Clock} from '../clock.ts';
import type {Connection, Lag} from './message.ts';

const everyMs = 5000;

/** Tells what waits at the broker, every few seconds until the signal aborts; undefined when the broker does not say. */
export async function watchLag({lag}: Pick<Connection, 'lag'>, clock: Clock, signal: AbortSignal, told: (lag: Lag | undefined) => void) {
  if (!lag) return;
  do {
    const found = await lag().catch(() => undefined);
    if (!signal.aborted) told(found);
  } while (await clock.sleep(everyMs, signal));
}
