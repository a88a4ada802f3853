import type {Clock} from '../../src/clock.ts';
import type {Fault} from '../../src/errors.ts';

/** A call that has not ended. */
export interface OpenCall {
  /** When it must have been answered, on the monotonic clock; infinity once it was. */
  readonly dueAt: number;
  /** Where it lies among the others. */
  place: number;
  expire(): void;
  lose(reason: Fault): void;
}

/** The calls that have not ended. One timer does for their deadlines: most calls end long before, and a timer for each costs more than all of this. */
export class OpenCalls {
  readonly #calls: OpenCall[] = [];
  readonly #clock: Clock;
  /** When the timer fires. */
  #looksAt = Number.POSITIVE_INFINITY;
  #stopTimer = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#calls.length;
  }

  add(call: OpenCall): void {
    call.place = this.#calls.push(call) - 1;
    if (call.dueAt < this.#looksAt) this.#lookAt(call.dueAt);
  }

  remove(call: OpenCall): void {
    const last = this.#calls.pop();
    if (!last || last === call) return;
    last.place = call.place;
    this.#calls[call.place] = last;
  }

  lose(reason: Fault): void {
    this.#stopTimer();
    this.#looksAt = Number.POSITIVE_INFINITY;
    for (const call of [...this.#calls]) call.lose(reason);
  }

  #lookAt(due: number): void {
    this.#stopTimer();
    this.#looksAt = due;
    this.#stopTimer = this.#clock.after(due - this.#clock.monotonic(), this.#look);
  }

  readonly #look = (): void => {
    const now = this.#clock.monotonic();
    for (const call of this.#calls.filter(({dueAt}) => dueAt <= now)) call.expire();
    let next = Number.POSITIVE_INFINITY;
    for (const {dueAt} of this.#calls) next = Math.min(next, dueAt);
    this.#looksAt = Number.POSITIVE_INFINITY;
    if (next < this.#looksAt) this.#lookAt(next);
  };
}
