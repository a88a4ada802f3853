import type {Clock} from '../clock.ts';

/** Longest wait for more room than a little: to ask a broker costs more than a message. */
const waitMs = 2;
/** As a part of all places: so many are worth asking for at once. */
const manyPart = 1 / 4;

/** Room for messages: how many may be held at a time, and who waits for it. */
export class Room {
  readonly most: number;
  /** Messages that are held, waiting ones included. */
  held = 0;
  readonly #clock: Clock;
  /** Aborts when no further message is wanted. */
  readonly #closing: AbortSignal;
  #waiting: {readonly least: number; readonly resolve: () => void}[] = [];
  #over: (() => void)[] = [];

  constructor(most: number, clock: Clock, closing: AbortSignal) {
    this.most = most;
    this.#clock = clock;
    this.#closing = closing;
    closing.addEventListener('abort', () => this.#wake(Number.POSITIVE_INFINITY), {once: true});
  }

  /** Waits for a place. @returns how many are free; 0 when no further message is wanted */
  async some(): Promise<number> {
    while (this.#free < 1 && !this.#closing.aborted) await this.#atLeast(1);
    return this.#closing.aborted ? 0 : this.#free;
  }

  /** The same for who asks for many at once: where few places are free, it waits for milliseconds until more are. */
  async many(): Promise<number> {
    const many = Math.ceil(this.most * manyPart);
    const free = await this.some();
    if (free === 0 || free >= many) return free;
    const stopTimer = this.#clock.after(waitMs, () => this.#wake(many));
    await this.#atLeast(many);
    stopTimer();
    return this.some();
  }

  take(): void {
    this.held++;
  }

  release(): void {
    this.held--;
    this.#wake(this.#free);
    if (this.held === 0) for (const resolve of this.#over.splice(0)) resolve();
  }

  /** Resolves when no message is held. */
  empty(): Promise<void> {
    return this.held === 0 ? Promise.resolve() : new Promise(resolve => this.#over.push(resolve));
  }

  get #free(): number {
    return this.most - this.held;
  }

  #atLeast(least: number): Promise<void> {
    return new Promise(resolve => this.#waiting.push({least, resolve}));
  }

  /** @param free wakes those for whom so many are enough */
  #wake(free: number): void {
    if (this.#waiting.length === 0) return;
    const woken = this.#waiting.filter(({least}) => least <= free);
    this.#waiting = this.#waiting.filter(({least}) => least > free);
    for (const {resolve} of woken) resolve();
  }
}
