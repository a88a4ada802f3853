import type {Clock} from '../../clock.ts';

/** A process from which nothing has come for so long, while calls are open, is asked whether it is alive. */
const quietMs = 100;
/** How often an answer that is late is looked for. */
const lookMs = 25;
/**
When it has not come after so many looks, a quarter of a second, another process should take over. Looks are counted, not
time: where the container gets hardly any processor, neither process runs, and a late answer says nothing.
*/
const mostLooks = 10;

export interface LivenessOptions {
  /** Several calls share the process, and it answers while they run. One call at a time waits for nobody but itself: its deadline decides. */
  readonly isShared: boolean;
  ping(): void;
  /** No call is open. */
  isIdle(): boolean;
  onSilent(): void;
  onAlive(): void;
}

/**
Whether a process that several calls share still answers. One that is blocked, by a handler that computes or waits, would
take the next call and leave it lying. No timer for each call: one looks now and then while calls are open.
*/
export class Liveness {
  /** It is asked, and gets no call before it answers. */
  isDoubtful = false;
  /** It has not answered in time. */
  isSilent = false;
  readonly #options: LivenessOptions;
  readonly #clock: Clock;
  #heardAt = 0;
  #looks = 0;
  #isWatched = false;
  #stopTimer = () => {};

  constructor(options: LivenessOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** It gets a call, at this monotonic time. @param isAlone no other call is open: it was not expected to send anything before */
  called(now: number, isAlone: boolean): void {
    if (!this.#options.isShared) return;
    if (isAlone) this.#heardAt = now;
    if (this.#isWatched) return;
    this.#isWatched = true;
    this.#look();
  }

  /** It sent something. */
  heard(): void {
    if (!this.#isWatched) return;
    this.#heardAt = this.#clock.monotonic();
    if (!this.isDoubtful) return;
    this.isDoubtful = false;
    this.isSilent = false;
    this.#look();
    this.#options.onAlive();
  }

  close(): void {
    this.#stopTimer();
    this.#isWatched = false;
  }

  readonly #look = (): void => {
    this.#stopTimer();
    if (this.#options.isIdle() && !this.isDoubtful) {
      this.#isWatched = false;
      return;
    }
    const leftMs = this.#heardAt + quietMs - this.#clock.monotonic();
    if (leftMs > 0) {
      this.#stopTimer = this.#clock.after(Math.ceil(leftMs), this.#look);
      return;
    }
    this.isDoubtful = true;
    this.#options.ping();
    this.#looks = 0;
    this.#stopTimer = this.#clock.after(lookMs, this.#late);
  };

  /** Its answer may have come already, when this process itself was busy: what waits on the socket is read first. */
  readonly #late = (): void => {
    if (++this.#looks < mostLooks) this.#stopTimer = this.#clock.after(lookMs, this.#late);
    else void this.#clock.turn().then(() => this.isDoubtful && this.#isWatched && this.#silent());
  };

  /** Said at each look, as the next caller may come later. */
  readonly #silent = (): void => {
    this.isSilent = true;
    this.#stopTimer = this.#clock.after(lookMs, this.#silent);
    this.#options.onSilent();
  };
}
