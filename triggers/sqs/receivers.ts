import type {Inlet} from '../../src/messages/message.ts';

/** Most messages of an answer: the most that the protocol allows. */
export const mostAtOnce = 10;
/** Most requests for messages that are on their way. */
const mostReceivers = 16;

export interface Receiving<T> {
  /** Asks for up to so many. Resolves with none when nothing came for a while, or the signal has aborted. */
  receive(most: number, signal: AbortSignal): Promise<readonly T[]>;
  take(message: T): void;
}

/**
Receives as many messages as there is room for. One request is always on its way; a full answer says that the queue has more, and
adds another one, and any other answer ends one: so an empty queue is asked once at a time, as each request is paid for.

@throws what the first request that failed did
*/
export async function receiveAll<T>(
  {signal, most, roomForMany: room}: Pick<Inlet, 'signal' | 'most' | 'roomForMany'>,
  {receive, take}: Receiving<T>,
): Promise<void> {
  const failed = new AbortController();
  const ending = AbortSignal.any([signal, failed.signal]);
  const mostBeside = Math.min(mostReceivers, Math.ceil(most / mostAtOnce)) - 1;
  const beside = new Set<Promise<void>>();
  /** What requests that are on their way may bring. */
  let asked = 0;
  let returned = Promise.withResolvers<void>();
  try {
    await goOn();
  } finally {
    failed.abort();
    await Promise.allSettled(beside);
  }

  async function goOn(): Promise<void> {
    while (!ending.aborted) {
      const free = await room();
      if (free === 0) return;
      if (free > asked) await once(free - asked);
      else await returned.promise;
    }
    failed.signal.throwIfAborted();
  }

  /** As long as answers are full. */
  async function goOnBeside(): Promise<void> {
    for (let isFull = true; isFull && !ending.aborted; ) {
      const free = (await room()) - asked;
      isFull = free > 0 && (await once(free));
    }
  }

  /** @returns whether the answer was as large as one can be */
  async function once(free: number): Promise<boolean> {
    const wanted = Math.min(mostAtOnce, free);
    asked += wanted;
    let messages: readonly T[] = [];
    try {
      messages = await receive(wanted, ending);
    } finally {
      for (const message of messages) take(message); // before its room is given to another request
      asked -= wanted;
      returned.resolve();
      returned = Promise.withResolvers();
    }
    const isFull = messages.length === mostAtOnce;
    if (isFull && beside.size < mostBeside) add();
    return isFull;
  }

  function add(): void {
    const mine: Promise<void> = goOnBeside()
      .catch(error => failed.abort(error))
      .finally(() => beside.delete(mine));
    beside.add(mine);
  }
}
