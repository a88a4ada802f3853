import type {KeepLines} from '../../middleware/event/keep.ts';
import type {Clock} from '../clock.ts';
import type {Fact} from '../facts.ts';
import type {Payload} from '../journal.ts';
import {type LoggedLine, writeLog} from '../journals/payload.ts';
import type {FunctionLine} from '../log.ts';

/** What takes the lines in the end. */
export interface LinesJournal {
  recordIn(stream: string, facts: readonly [Fact, ...Fact[]], payloads: readonly Payload[]): void;
}

/** Lines come by another pipe than the reply, so the last ones may be read after it. */
export const lateMs = 250;
/** Most characters that are kept of one invocation, and how many more of the errors that it threw: these come last. */
const mostOfOne = 2 ** 16;
const mostOfErrors = 2 ** 14;
/** Most invocations whose lines are awaited at a time; those of others are not kept. */
const mostInvocations = 4096;
/** What a line costs beside its text. */
const lineCharacters = 64;

interface Entry {
  readonly lines: LoggedLine[];
  /** What they cost: their text, and something for each. */
  characters: number;
  dropped: number;
}

interface Ended {
  readonly id: string;
  readonly at: number;
}

/**
The lines that the function writes during invocations that are kept in full. They are one fact, with a payload, a quarter of
a second after the end of the invocation. Other invocations cost nothing: their lines are looked up nowhere.
*/
export class KeptLines implements KeepLines, Disposable {
  readonly #journal: LinesJournal;
  readonly #clock: Clock;
  readonly #most: number;
  readonly #entries = new Map<string, Entry | undefined>();
  readonly #ended: Ended[] = [];
  #characters = 0;
  #stopTimer: (() => void) | undefined;

  /** @param mostCharacters of all invocations at a time */
  constructor(journal: LinesJournal, mostCharacters: number, clock: Clock) {
    this.#journal = journal;
    this.#most = mostCharacters;
    this.#clock = clock;
  }

  begin(id: string): void {
    if (this.#entries.size < mostInvocations) this.#entries.set(id, undefined);
  }

  end(id: string): void {
    if (!this.#entries.has(id)) return;
    this.#ended.push({id, at: this.#clock.monotonic() + lateMs});
    this.#stopTimer ??= this.#clock.after(lateMs, () => this.#keepEnded());
  }

  /** A line of the function. It is kept if it names an invocation that has begun and is not long over. */
  take({invocationId, stream, line, level, stack}: FunctionLine): void {
    if (this.#entries.size === 0 || invocationId === undefined || !this.#entries.has(invocationId)) return;
    const entry = this.#entries.get(invocationId) ?? {lines: [], characters: 0, dropped: 0};
    this.#entries.set(invocationId, entry);
    const characters = line.length + (stack?.length ?? 0) + lineCharacters;
    const room = level === 'error' ? mostOfOne + mostOfErrors : mostOfOne;
    if (entry.characters + characters > room || this.#characters + characters > this.#most) {
      entry.dropped++;
      return;
    }
    entry.characters += characters;
    this.#characters += characters;
    entry.lines.push({at: this.#clock.now(), stream, line, ...(level && {level}), ...(stack !== undefined && {stack})});
  }

  /** Keeps what is there: the journal is about to be closed. */
  [Symbol.dispose](): void {
    this.#stopTimer?.();
    for (const id of [...this.#entries.keys()]) this.#keep(id);
  }

  #keepEnded(): void {
    const now = this.#clock.monotonic();
    const later = this.#ended.findIndex(({at}) => at > now);
    for (const {id} of this.#ended.splice(0, later === -1 ? this.#ended.length : later)) this.#keep(id);
    const [next] = this.#ended;
    this.#stopTimer = next && this.#clock.after(next.at - now, () => this.#keepEnded());
  }

  #keep(id: string): void {
    const entry = this.#entries.get(id);
    this.#entries.delete(id);
    if (!entry) return;
    const {lines, characters, dropped} = entry;
    this.#characters -= characters;
    const stream = `log.${id}`;
    const dataref = `invocation.${id}/log`;
    const bytes = lines.reduce(
      (sum, {line, stack}) => sum + Buffer.byteLength(line) + (stack === undefined ? 0 : Buffer.byteLength(stack)),
      0,
    );
    const data = {lines: lines.length, bytes, ...(dropped > 0 && {dropped}), dataref};
    this.#journal.recordIn(stream, [{type: 'invocation.logged', data}], [{name: dataref, bytes: writeLog({lines, dropped})}]);
  }
}
