import {Fault} from '../../errors.ts';
import type {CallEnd} from '../../hop/hop.ts';
import type {RuntimeCall, RuntimeReply} from '../../runtime.ts';
import {BrokenConnections} from '../hop/broken.ts';
import {Doubt} from './doubt.ts';
import type {MemberOptions, Place} from './member-options.ts';

/** How long after its longest time a call may still come to its end by itself. */
const stuckAfterMs = 1000;

/** One ready sub-runtime and the calls in it. A place stays taken until the sub-runtime is done with the call, not only the caller. */
export class Member {
  readonly address: MemberOptions['address'];
  readonly pid: number | undefined;
  readonly concurrency: number;
  /** Monotonic time of the newest call. */
  usedAt = 0;
  readonly #options: MemberOptions;
  #active = 0;
  /** Active calls that nobody waits for any more. */
  #abandoned = 0;
  /** Active calls that did not end within their longest time. */
  #stuck = 0;
  /** Calls whose connection is closed and that have not ended: what to do at their end, by invocation id. */
  readonly #unsettled = new Map<string, () => void>();
  #quiet: (() => void) | undefined;
  #hasAnswered = false;
  readonly #broken: BrokenConnections;
  /** Of a sub-runtime that is not asked whether it is alive. */
  readonly #doubt: Doubt | undefined;
  #reportsEnds: boolean;

  constructor(options: MemberOptions) {
    this.#options = options;
    this.#reportsEnds = options.reportsEnds;
    if (options.upstream.isUnasked) this.#doubt = new Doubt();
    this.address = options.address;
    this.pid = options.pid;
    this.concurrency = options.concurrency;
    const onDeaf = () => options.onStuck('A call was not taken, as the port refuses connections');
    this.#broken = new BrokenConnections({...options, onDeaf});
  }

  get active(): number {
    return this.#active;
  }

  get isFull(): boolean {
    return this.#active >= this.concurrency || this.#doubt?.isTested === true || this.#options.upstream.isDoubtful;
  }

  /** Places that are free as soon as it answers. */
  get doubtedPlaces(): number {
    return this.#options.upstream.isDoubtful ? this.concurrency - this.#active : 0;
  }

  /** Milliseconds until it should be given a call again; 0: now. */
  get restMs(): number {
    return this.#broken.restMs;
  }

  /** Somebody waits for a call in it. */
  get isWaitedFor(): boolean {
    return this.#active > this.#abandoned;
  }

  /** It takes no connection. */
  get isDeaf(): boolean {
    return this.#broken.isDeaf;
  }

  /** A spare should take over from it. */
  get isStuck(): boolean {
    return this.#stuck > 0 || this.isDeaf || this.#options.upstream.isSilent;
  }

  /** No caller can be served by it any more. */
  get servesNobody(): boolean {
    return this.#stuck >= this.concurrency || this.isDeaf;
  }

  take(now: number): Place {
    this.#active++;
    this.usedAt = now;
    const isProbe = this.#doubt?.take() === true;
    return {send: (call, ended) => this.#send(call, now, isProbe, ended)};
  }

  /** A call in it does not end. Unless it has just answered another, it may be blocked, so it rests. Not if it is asked. */
  doubt(): void {
    if (this.#doubt) this.#broken.rest(this.#doubt.raise(this.#options.clock.monotonic()));
  }

  /** The bridge reports that a call whose connection was closed has ended. */
  settled(invocationId: string): void {
    this.#reportsEnds = true;
    this.#unsettled.get(invocationId)?.();
  }

  /** Resolves when nobody waits for a call in it any more. */
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

  #send(call: RuntimeCall, takenAt: number, isProbe: boolean, ended: (replyBytes: number) => void): Promise<RuntimeReply> {
    const {clock, onStuck, reportsEnds, timeoutMs} = this.#options;
    const stuckAt = takenAt + timeoutMs + stuckAfterMs;
    call.eventHold?.keep(); // the connection holds the event even after the deadline
    let isOver = false;
    let isAbandoned = false;
    let sentWhole = true;
    let isStuck = false;
    let replyBytes = 0;
    let stopTimer = () => {};
    const end = () => {
      if (isOver) return;
      isOver = true;
      stopTimer();
      if (isAbandoned) this.#abandoned--;
      if (isStuck) this.#stuck--;
      if (this.#unsettled.size > 0) this.#unsettled.delete(call.invocationId); // the hash of a new text costs more than the rest of this
      call.eventHold?.letGo();
      this.#free(isProbe);
      ended(replyBytes);
    };
    const abandon = () => {
      if (isOver || isAbandoned) return;
      isAbandoned = true;
      this.#abandoned++;
      this.#tellQuiet();
      const now = clock.monotonic(); // a stream may be given up later than its call
      stopTimer = clock.after(call.streams ? Math.max(stuckAfterMs, stuckAt - now) : Math.max(0, stuckAt - now), () => {
        // Its end will not be reported, and a process is not replaced because a caller left.
        if ((!this.#reportsEnds || !sentWhole) && this.#unsettled.has(call.invocationId)) return end();
        isStuck = true;
        this.#stuck++;
        onStuck('A call did not end within CORE_TIMEOUT');
      });
    };
    // A closed connection says nothing about the function: the call ends when the bridge reports it, or with its process, or,
    // where ends are not reported, after its longest time. Our bridges run only calls that they have whole; others run any.
    const onConnectionEnd = (how: CallEnd) => {
      if (how.answered) this.#answered();
      this.#broken.seen(how);
      sentWhole = how.sentWhole;
      if (how.replyBytes) replyBytes = how.replyBytes;
      if (how.isOver || !how.mayRun || !call.signal?.aborted || (!sentWhole && reportsEnds)) return end();
      abandon();
      this.#unsettled.set(call.invocationId, end);
    };
    return this.#options.upstream.send(call, onConnectionEnd, abandon).catch(async error => {
      if (!(error instanceof Fault)) throw error;
      abandon(); // unless the call is over, nobody waits for it any more
      throw error.code === 'UPSTREAM_LOST' ? await this.#broken.reasonOf(error) : error;
    });
  }

  #free(isProbe: boolean): void {
    if (isProbe) this.#doubt?.withdraw();
    this.#active--;
    this.#tellQuiet();
  }

  #answered(): void {
    this.#doubt?.answered(this.#options.clock.monotonic());
    if (!this.#hasAnswered) this.#options.onAnswered();
    this.#hasAnswered = true;
  }

  #tellQuiet(): void {
    if (this.isWaitedFor) return;
    this.#quiet?.();
    this.#quiet = undefined;
  }
}
