import type {Clock} from '../clock.ts';
import type {Connection, Message} from './message.ts';

/** Extends the messages of a connection while they are worked on. All have the same period, so one timer serves them in their order. */
export class Extending {
  readonly #everyMs: number | undefined;
  readonly #clock: Clock;
  /** When each is due, the next one first. */
  readonly #due = new Map<Message, number>();
  #isWaiting = false;

  constructor({extendMs}: Pick<Connection, 'extendMs'>, clock: Clock) {
    this.#everyMs = extendMs;
    this.#clock = clock;
  }

  begin(message: Message): void {
    if (this.#everyMs === undefined || !message.extend) return;
    this.#due.set(message, this.#clock.monotonic() + this.#everyMs);
    if (!this.#isWaiting) this.#wait(this.#everyMs);
  }

  end(message: Message): void {
    this.#due.delete(message);
  }

  #wait(ms: number): void {
    this.#isWaiting = true;
    this.#clock.after(ms, () => this.#extendDue());
  }

  #extendDue(): void {
    const now = this.#clock.monotonic();
    const due = [...this.#due].filter(([, at]) => at <= now);
    for (const [message] of due) {
      this.#due.delete(message);
      this.#due.set(message, now + (this.#everyMs ?? 0)); // behind those that are due before
      void message.extend?.().catch(() => {}); // then it is delivered again, and known
    }
    this.#isWaiting = false;
    const [next] = this.#due.values();
    if (next !== undefined) this.#wait(next - now);
  }
}
