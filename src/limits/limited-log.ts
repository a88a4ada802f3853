import type {Clock} from '../clock.ts';
import type {Log, LogFields} from '../log.ts';

/** Lines of one kind that are written in a second. One more line counts the rest. */
const linesPerSecond = 20;
const secondMs = 1000;

interface Kind {
  lines: number;
  more: number;
}

/**
Writes lines that strangers can cause, such as refusals: a flood of requests must not become a flood of lines. In each second
the first lines of a kind are written, and at its end one line says how many more there were.
*/
export class LimitedLog {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #kinds = new Map<string, Kind>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** @param kind one of few words, as each is remembered for a second */
  write(level: 'warn' | 'error', kind: string, fields: LogFields, message: string): void {
    const known = this.#kinds.get(kind) ?? this.#begin(level, kind);
    if (known.lines++ < linesPerSecond) this.#log[level](fields, message);
    else known.more++;
  }

  #begin(level: 'warn' | 'error', kind: string): Kind {
    const begun = {lines: 0, more: 0};
    this.#kinds.set(kind, begun);
    this.#clock.after(secondMs, () => {
      this.#kinds.delete(kind);
      if (begun.more > 0) this.#log[level]({code: kind, more: begun.more}, `… and ${begun.more.toLocaleString('en')} more like it`);
    });
    return begun;
  }
}
