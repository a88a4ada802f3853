import {readReply} from '../../src/journals/payload.ts';
import type {Budget} from '../../src/limits/budget.ts';
import type {Poster} from '../../src/work/hall.ts';
import type {Claimed} from '../../src/work.ts';

/** Tries once to post the recorded reply of an item, which is charged to the account meanwhile. A core without callbacks keeps it for one that has them. */
export async function postOnce(
  {id, callback, attempts, traceparent, redriven = 0}: Claimed,
  poster: Poster | undefined,
  {payload, budget}: {payload: (name: string) => Promise<Uint8Array | undefined>; budget: Budget},
): ReturnType<Poster['attempt']> {
  if (callback === undefined) return {kind: 'failed'};
  if (!poster) return {kind: 'retry', afterMs: offMs};
  // What ends after it was sent again is another message, which a receiver must not take for a repetition.
  const webhookId = redriven > 0 ? `${id}-${redriven + 1}` : id;
  const hold = budget.open('reply');
  return poster.attempt({id, callback, webhookId, traceparent}, read, attempts).finally(() => hold.release());

  async function read() {
    const bytes = await payload(`invocation.${id}/reply`);
    hold.set(bytes?.length ?? 0);
    return bytes && readReply(bytes);
  }
}

/** Callbacks are off in this core; a later start may have them. */
const offMs = 3_600_000;
