import type {Clock} from '../../clock.ts';

export interface PulseOptions {
  /** The other process shows a sign of life more often than this. */
  readonly lookMs: number;
  /** After this many looks in a row without a sign of life, the other process is silent. */
  readonly silentAfter: number;
  /** Called once for each silence. */
  onSilent(): void;
}

/** Looks without a sign of life after which the other process is late: it may still show one. */
const lateAfter = 2;

/**
Notices that another process no longer shows signs of life: it is stopped, or its event loop stands still. Looks are
counted, not time: a process that was itself stopped looks once when it goes on, and then reads what has come meanwhile.
*/
export class Pulse {
  readonly #options: PulseOptions;
  readonly #clock: Pick<Clock, 'after'>;
  #missed = 0;
  #stopTimer: () => void = () => {};

  constructor(options: PulseOptions, clock: Pick<Clock, 'after'>) {
    this.#options = options;
    this.#clock = clock;
    this.#look();
  }

  /** No sign of life for a while. */
  get isLate(): boolean {
    return this.#missed >= lateAfter;
  }

  get isSilent(): boolean {
    return this.#missed >= this.#options.silentAfter;
  }

  /** The other process showed a sign of life. */
  beat(): void {
    this.#missed = 0;
  }

  stop(): void {
    this.#stopTimer();
  }

  #look(): void {
    this.#stopTimer = this.#clock.after(this.#options.lookMs, () => {
      this.#missed++;
      this.#look();
      if (this.#missed === this.#options.silentAfter) this.#options.onSilent();
    });
  }
}
