import type {Clock} from '../clock.ts';
import {Fault} from '../errors.ts';
import type {RuntimeCall, RuntimeReply} from '../runtime.ts';
import type {CallEnd, Upstream} from './upstream.ts';

export interface MemberOptions {
  readonly upstream: Pick<Upstream, 'send' | 'destroy'>;
  readonly address: {readonly host: string; readonly port: number};
  readonly pid?: number | undefined;
  readonly concurrency: number;
  readonly clock: Clock;
  /** A call did not end although its deadline passed, or its caller left: only a new process helps. */
  readonly onStuck: () => void;
  /** The system is taking its process down. */
  readonly isEnding: () => boolean;
}

/** The right to one call in a member. */
export interface Place {
  send(call: RuntimeCall, ended: () => void): Promise<RuntimeReply>;
  free(): void;
}

/** How long after its deadline a call may still come to its end by itself. */
const stuckAfterMs = 1000;

/*
A connection that breaks off is of a process that ends, most likely, and its exit is told a moment later. Until then
nobody else is sent there, and whoever was in it waits for the reason: for long only when the system says that it ends.
*/
const restMs = 25;
const reasonMs = 250;
const endingMs = 5000;

/** One ready sub-runtime and the calls in it. A place is taken until the sub-runtime is done with the call, not only the caller. */
export class Member {
  readonly address: MemberOptions['address'];
  readonly pid: number | undefined;
  readonly concurrency: number;
  /** Monotonic time of the newest call. */
  usedAt = 0;
  readonly #options: MemberOptions;
  /** Calls in the sub-runtime, and how many of them nobody waits for any more. */
  #active = 0;
  #abandoned = 0;
  /** What to do when a call ends whose connection is closed already, by invocation id. */
  readonly #unsettled = new Map<string, () => void>();
  #quiet: (() => void) | undefined;
  #restsUntil = 0;
  readonly #lost = Promise.withResolvers<Fault>();

  constructor(options: MemberOptions) {
    this.#options = options;
    this.address = options.address;
    this.pid = options.pid;
    this.concurrency = options.concurrency;
  }

  get active(): number {
    return this.#active;
  }

  get isFull(): boolean {
    return this.#active >= this.concurrency;
  }

  /** Milliseconds until it should be given a call again; 0: now. */
  get restMs(): number {
    return Math.max(0, this.#restsUntil - this.#options.clock.monotonic());
  }

  take(now: number): Place {
    this.#active++;
    this.usedAt = now;
    let isHeld = true;
    const free = () => {
      if (!isHeld) return;
      isHeld = false;
      this.#active--;
      this.#tellQuiet();
    };
    return {send: (call, ended) => this.#send(call, ended), free};
  }

  /** The bridge says that a call whose connection was closed has ended. */
  settled(invocationId: string): void {
    this.#unsettled.get(invocationId)?.();
  }

  /** Resolves when no call is left that somebody waits for. */
  quiet(): Promise<void> {
    return new Promise(resolve => {
      this.#quiet = resolve;
      this.#tellQuiet();
    });
  }

  /** Breaks off every call: the process is gone. */
  destroy(reason: Fault): void {
    this.#lost.resolve(reason);
    this.#options.upstream.destroy(reason);
    for (const end of [...this.#unsettled.values()]) end();
  }

  #send(call: RuntimeCall, ended: () => void): Promise<RuntimeReply> {
    let isOver = false;
    let isAbandoned = false;
    const end = () => {
      if (isOver) return;
      isOver = true;
      if (isAbandoned) this.#abandoned--;
      this.#unsettled.delete(call.invocationId);
      ended();
    };
    const abandon = () => {
      if (isOver || isAbandoned) return;
      isAbandoned = true;
      this.#abandoned++;
      this.#tellQuiet();
      const {clock, onStuck} = this.#options;
      clock.after(Math.max(0, call.deadline - clock.monotonic()) + stuckAfterMs, () => {
        if (!isOver) onStuck();
      });
    };
    // A closed connection says nothing of the function: it ends when the bridge says so, or with its process.
    const onConnectionEnd = ({mayRun, broke}: CallEnd) => {
      if (broke) this.#rest();
      if (!mayRun || !call.signal?.aborted) return end();
      abandon();
      this.#unsettled.set(call.invocationId, end);
    };
    return this.#options.upstream.send(call, onConnectionEnd).catch(async error => {
      if (!(error instanceof Fault)) throw error;
      if (error.code === 'UPSTREAM_TIMEOUT' || error.code === 'CALLER_LEFT') abandon();
      throw error.code === 'UPSTREAM_LOST' ? await this.#reasonOf(error) : error;
    });
  }

  #rest(): void {
    const {clock, isEnding} = this.#options;
    this.#restsUntil = clock.monotonic() + (isEnding() ? endingMs : restMs);
  }

  /** Why the process went away, when that becomes known. */
  #reasonOf(lost: Fault): Promise<Fault> {
    const {clock, isEnding} = this.#options;
    const {promise, resolve} = Promise.withResolvers<Fault>();
    let stopTimer = clock.after(reasonMs, () => {
      if (!isEnding()) return resolve(lost);
      stopTimer = clock.after(endingMs, () => resolve(lost));
    });
    void this.#lost.promise.then(reason => {
      stopTimer();
      resolve(reason);
    });
    return promise;
  }

  #tellQuiet(): void {
    if (this.#active - this.#abandoned > 0) return;
    this.#quiet?.();
    this.#quiet = undefined;
  }
}
