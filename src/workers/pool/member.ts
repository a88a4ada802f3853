import type {Clock} from '../../clock.ts';
import {Fault} from '../../errors.ts';
import type {RuntimeCall, RuntimeReply} from '../../runtime.ts';
import {BrokenConnections} from '../hop/broken.ts';
import type {CallEnd} from '../hop/exchange.ts';
import type {Upstream} from '../hop/http.ts';
import {Doubt} from './doubt.ts';

export interface MemberOptions {
  readonly upstream: Pick<Upstream, 'send' | 'destroy'>;
  readonly address: {readonly host: string; readonly port: number};
  readonly pid?: number | undefined;
  readonly concurrency: number;
  /** Longest time of a call, in milliseconds: CORE_TIMEOUT. A caller may wait less; that says nothing about the process. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** It says when a call has ended whose connection was closed. One that is not ours may, which is known once it has. */
  readonly tellsEnds: boolean;
  /** A call does not end although its longest time is over, or no connection is taken: only a new process helps. */
  readonly onStuck: (why: string) => void;
  /** Called once, at the first answer. */
  readonly onAnswered: () => void;
  /** The system is taking its process down. */
  readonly isEnding: () => boolean;
}

/** The right to one call in a member. */
export interface Place {
  send(call: RuntimeCall, ended: () => void): Promise<RuntimeReply>;
  free(): void;
}

/** How long after its longest time a call may still come to its end by itself. */
const stuckAfterMs = 1000;

/** One ready sub-runtime and the calls in it. A place is taken until the sub-runtime is done with the call, not only the caller. */
export class Member {
  readonly address: MemberOptions['address'];
  readonly pid: number | undefined;
  readonly concurrency: number;
  /** Monotonic time of the newest call. */
  usedAt = 0;
  readonly #options: MemberOptions;
  /** Calls in the sub-runtime, how many of them nobody waits for any more, and how many did not end in their longest time. */
  #active = 0;
  #abandoned = 0;
  #stuck = 0;
  /** What to do when a call ends whose connection is closed already, by invocation id. */
  readonly #unsettled = new Map<string, () => void>();
  #quiet: (() => void) | undefined;
  #hasAnswered = false;
  readonly #broken: BrokenConnections;
  readonly #doubt = new Doubt();
  #tellsEnds: boolean;

  constructor(options: MemberOptions) {
    const {clock, isEnding, onStuck} = options;
    this.#options = options;
    this.#tellsEnds = options.tellsEnds;
    this.address = options.address;
    this.pid = options.pid;
    this.concurrency = options.concurrency;
    this.#broken = new BrokenConnections({
      clock,
      isEnding,
      onDeaf: () => onStuck('A call was not taken, as the port refuses connections'),
    });
  }

  get active(): number {
    return this.#active;
  }

  get isFull(): boolean {
    return this.#active >= this.concurrency || this.#doubt.isTested;
  }

  /** Milliseconds until it should be given a call again; 0: now. */
  get restMs(): number {
    return this.#broken.restMs;
  }

  /** It takes no connection. */
  get isDeaf(): boolean {
    return this.#broken.isDeaf;
  }

  /** A spare should take over from it. */
  get isStuck(): boolean {
    return this.#stuck > 0 || this.isDeaf;
  }

  /** No caller can be served by it any more. */
  get servesNobody(): boolean {
    return this.#stuck >= this.concurrency || this.isDeaf;
  }

  take(now: number): Place {
    this.#active++;
    this.usedAt = now;
    let isHeld = true;
    const isProbe = this.#doubt.take();
    const free = () => {
      if (!isHeld) return;
      isHeld = false;
      if (isProbe) this.#doubt.withdraw();
      this.#active--;
      this.#tellQuiet();
    };
    return {send: (call, ended) => this.#send(call, ended), free};
  }

  /** A call in it does not end: unless it has just answered another, it may be blocked, and rests. */
  doubt(): void {
    this.#broken.rest(this.#doubt.raise(this.#options.clock.monotonic()));
  }

  /** The bridge says that a call whose connection was closed has ended. */
  settled(invocationId: string): void {
    this.#tellsEnds = true;
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
    this.#broken.over(reason);
    this.#options.upstream.destroy(reason);
    for (const end of [...this.#unsettled.values()]) end();
  }

  #send(call: RuntimeCall, ended: () => void): Promise<RuntimeReply> {
    const {clock, onStuck, tellsEnds, timeoutMs} = this.#options;
    const stuckAt = clock.monotonic() + timeoutMs + stuckAfterMs;
    call.eventHold?.keep(); // past its deadline, too, the connection has it
    let isOver = false;
    let isAbandoned = false;
    let sentWhole = true;
    let isStuck = false;
    let stopTimer = () => {};
    const end = () => {
      if (isOver) return;
      isOver = true;
      stopTimer();
      if (isAbandoned) this.#abandoned--;
      if (isStuck) this.#stuck--;
      this.#unsettled.delete(call.invocationId);
      call.eventHold?.letGo();
      ended();
    };
    const abandon = () => {
      if (isOver || isAbandoned) return;
      isAbandoned = true;
      this.#abandoned++;
      this.#tellQuiet();
      stopTimer = clock.after(Math.max(0, stuckAt - clock.monotonic()), () => {
        // Nobody will tell when it ends, and that its caller left is no reason to replace the process.
        if ((!this.#tellsEnds || !sentWhole) && this.#unsettled.has(call.invocationId)) return end();
        isStuck = true;
        this.#stuck++;
        onStuck('A call did not end within CORE_TIMEOUT');
      });
    };
    // A closed connection says nothing of the function: it ends when the bridge says so, with its process, or, where nobody
    // says so, is taken for ended after its longest time. Our bridges run a call once they have its whole request: one that
    // was closed before that is over. A foreign sub-runtime may run such a call, or never tell that it did not.
    const onConnectionEnd = (how: CallEnd) => {
      if (how.answered) this.#answered(clock.monotonic());
      this.#broken.seen(how);
      sentWhole = how.sentWhole;
      if (!how.mayRun || !call.signal?.aborted || (!sentWhole && tellsEnds)) return end();
      abandon();
      this.#unsettled.set(call.invocationId, end);
    };
    return this.#options.upstream.send(call, onConnectionEnd).catch(async error => {
      if (!(error instanceof Fault)) throw error;
      if (error.code === 'UPSTREAM_TIMEOUT' || error.code === 'CALLER_LEFT') abandon();
      throw error.code === 'UPSTREAM_LOST' ? await this.#broken.reasonOf(error) : error;
    });
  }

  #answered(now: number): void {
    this.#doubt.answered(now);
    if (this.#hasAnswered) return;
    this.#hasAnswered = true;
    this.#options.onAnswered();
  }

  #tellQuiet(): void {
    if (this.#active - this.#abandoned > 0) return;
    this.#quiet?.();
    this.#quiet = undefined;
  }
}
