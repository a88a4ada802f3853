import type {Clock} from '../../clock.ts';

/** How soon it is tried again whether it takes anything. */
const againMs = 5000;

/**
Whether a database that is there refuses what it is given, as one does that has no room. Those who ask before they begin
something send nothing then, so whether that is over has to be tried.
*/
export class Refusing {
  isSo = false;
  isTryDue = false;
  readonly #clock: Pick<Clock, 'after'>;
  readonly #tryIt: () => void;
  #stop = () => {};

  /** @param tryIt called when a try is due */
  constructor(clock: Pick<Clock, 'after'>, tryIt: () => void) {
    this.#clock = clock;
    this.#tryIt = tryIt;
  }

  /** Something was refused. */
  begin(): void {
    this.end();
    this.isSo = true;
    this.#stop = this.#clock.after(againMs, () => {
      this.isTryDue = true;
      this.#tryIt();
    });
  }

  /** Something was kept, or nothing more will be. */
  end(): void {
    this.#stop();
    this.isSo = false;
    this.isTryDue = false;
  }
}
