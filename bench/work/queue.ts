/** What is sent: a text of so many bytes, and when it was sent, in microseconds of the machine's monotonic clock. */
export interface Sent {
  readonly at: number;
  readonly text: string;
}

/** A queue as its driver uses it. `Taken` is whatever it needs to end an item again. */
export interface Queue<Taken = unknown> extends AsyncDisposable {
  /** Resolves when the item is accepted: from then on no crash and no power loss loses it. */
  send(item: Sent): Promise<void>;
  /** Many at once, with the same promise, where the queue has a call for it. */
  sendAll?(items: readonly Sent[]): Promise<void>;
  /** Claims the item that is next; undefined when there is none. */
  take(): Promise<Taken | undefined>;
  /** Ends what was taken. */
  finish(taken: Taken): Promise<void>;
  /** Calls `started` as each item starts, with the queue's own workers, until it is disposed. Absent where it has none. */
  work?(started: (item: Sent) => void): Promise<AsyncDisposable>;
  /** Forgets every item. */
  empty(): Promise<void>;
}

/** Where a driver finds what it needs. */
export interface QueueOptions {
  /** Packages of the peer. */
  readonly modules: string;
  /** Of its server on loopback. */
  readonly port: number;
  /** For files. */
  readonly folder: string;
}

/** What a driver can be asked for. */
export interface Asked {
  empty: {readonly options: Record<string, never>; readonly answer: null};
  /** Producers who send one after another, each its next when the last is accepted. `isBatched`: what they send at a time goes in one call. */
  accept: {
    readonly options: {readonly producers: number; readonly bytes: number; readonly seconds: number; readonly isBatched: boolean};
    readonly answer: Rate;
  };
  /** Opens a server in front of the queue, at this port. */
  front: {readonly options: {readonly isBatched: boolean}; readonly answer: number};
  /** Tops the queue up to so many items, then takes and ends them one after another. */
  claim: {
    readonly options: {readonly waiting: number; readonly takers: number; readonly bytes: number; readonly seconds: number};
    readonly answer: Rate;
  };
  /** Sends an item every 20 ms to workers that wait for it. */
  start: {readonly options: {readonly bytes: number; readonly seconds: number}; readonly answer: Rate};
}

/** How many in a second, and how long one took. */
export interface Rate {
  readonly count: number;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly errors: number;
}

/** The same for every process of the machine. */
export const microseconds = (): number => Number(process.hrtime.bigint() / 1000n);

export const textOf = (bytes: number): string =>
  'The quick brown fox jumps over the lazy dog. '.repeat(Math.ceil(bytes / 45)).slice(0, bytes);

export function rateOf(tookUs: number[], passedUs: number, errors = 0): Rate {
  tookUs.sort((a, b) => a - b);
  const at = (share: number) => tookUs[Math.floor(tookUs.length * share)] ?? Number.NaN;
  return {count: tookUs.length, perSecond: tookUs.length / (passedUs / 1e6), p50Us: at(0.5), p99Us: at(0.99), errors};
}

/** What is sent while a batch is on its way goes with the next one. */
export function batched(sendAll: (items: readonly Sent[]) => Promise<void>, most = 1000): (item: Sent) => Promise<void> {
  let waiting: {readonly item: Sent; readonly done: () => void; readonly failed: (error: unknown) => void}[] = [];
  let isSending = false;
  return item =>
    new Promise((done, failed) => {
      waiting.push({item, done, failed});
      if (!isSending) void flush();
    });

  async function flush(): Promise<void> {
    isSending = true;
    await Promise.resolve(); // what this turn still sends goes along
    while (waiting.length > 0) {
      const batch = waiting.slice(0, most);
      waiting = waiting.slice(most);
      try {
        await sendAll(batch.map(({item}) => item));
        for (const {done} of batch) done();
      } catch (error) {
        for (const {failed} of batch) failed(error);
      }
      await Promise.resolve();
    }
    isSending = false;
  }
}
