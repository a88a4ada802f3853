import {randomUUID} from 'node:crypto';
import {crc32} from 'node:zlib';
import type {Command, Outcome, Said} from './command.ts';

/** What the database answers about a group. */
export interface Answer {
  /** Position before its first fact. */
  readonly first: number;
  readonly isReplicated: boolean;
  readonly outcome: {
    readonly conflicts?: Readonly<Record<string, readonly [stream: number, actual: number]>>;
    readonly work?: Readonly<Record<string, Said>>;
  } | null;
}

/** The row of a commit is removed after ten minutes at the earliest; some of them are for the clocks. */
const knownMs = 8 * 60_000;

/** Commands that are one commit. */
export class Group {
  /** The writer's own name for the commit. */
  readonly id = randomUUID();
  readonly commands: readonly Command[];
  readonly #names = new Map<string, number>();
  /** Those who waited were told that it failed. */
  isGivenUp = false;
  /** Wall time at which it was sent first. */
  #sentAt: number | undefined;

  constructor(commands: readonly Command[]) {
    this.commands = commands;
  }

  /** The parameters of `append` in the database. @param now wall time @param holder who claims work */
  values(now: number, holder: string): unknown[] {
    this.#sentAt ??= now;
    const bytes = new Bytes();
    const names: Place[] = [];
    const facts = columns(7);
    const expects = columns(3);
    const payloads = columns(6);
    const works: object[] = [];
    for (const [index, {parts, facts: written, payloads: kept, work}] of this.commands.entries()) {
      const streams = parts.map(({name}) => this.#number(name, names, bytes));
      for (const [part, {expect}] of parts.entries()) if (expect !== undefined) push(expects, index, streams[part], expect);
      for (const {part, at, flags, body} of written) {
        const {start, length} = bytes.text(body);
        push(facts, index, streams[part], at, flags, crc32(body, crc32(parts[part]?.name ?? '')), start, length);
      }
      for (const {name, bytes: content} of kept) {
        const [named, place] = [bytes.text(name), bytes.raw(content)];
        push(payloads, index, crc32(content), named.start, named.length, place.start, place.length);
      }
      if (work) works.push({c: index, ...work});
    }
    const nameColumns = [names.map(({start}) => start), names.map(({length}) => length)];
    const arrays = [...nameColumns, ...facts, ...expects, ...payloads].map(column => `{${column.join(',')}}`);
    return [this.id, now, holder, bytes.all(), ...arrays, works.length > 0 ? JSON.stringify(works) : null];
  }

  /** Tells everybody who waits. */
  settle({first, isReplicated, outcome}: Answer): void {
    const names = [...this.#names.keys()];
    let position = first;
    for (const [index, {facts, waiter, parts}] of this.commands.entries()) {
      const conflict = outcome?.conflicts?.[index];
      const said = outcome?.work?.[index];
      const isRefused = said !== undefined && isRefusal(said);
      if (!conflict && !isRefused) position += facts.length;
      waiter?.resolve(outcomeOf());

      function outcomeOf(): Outcome {
        if (conflict) return {conflict: conflict[1], stream: names[conflict[0] - 1] ?? parts[0]?.name ?? ''};
        return isRefused ? {refused: said} : {position, isReplicated, said};
      }
    }
  }

  /** That the database does not know of it says nothing any more. @param now wall time */
  isForgotten(now: number): boolean {
    return this.#sentAt !== undefined && now - this.#sentAt > knownMs;
  }

  /** The same for another try, under another id. What others were told has failed is left out. */
  again(): Group {
    return new Group(this.isGivenUp ? this.commands.filter(({waiter}) => !waiter) : this.commands);
  }

  /** Tells everybody who waits that it failed. */
  fail(error: () => Error): void {
    this.isGivenUp = true;
    for (const {waiter} of this.commands) waiter?.reject(error());
  }

  /** Number of a stream among all of the group, from 1. */
  #number(name: string, places: Place[], bytes: Bytes): number {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    places.push(bytes.text(name));
    this.#names.set(name, places.length);
    return places.length;
  }
}

/** Only a cancelled item says what it was although it was not refused. */
const isRefusal = ({was}: Said): boolean => was === undefined || was >= 2;

interface Place {
  /** From 1. */
  readonly start: number;
  readonly length: number;
}

const columns = (count: number): (number | undefined)[][] => Array.from({length: count}, () => []);

function push(to: (number | undefined)[][], ...row: (number | undefined)[]): void {
  for (const [index, value] of row.entries()) to[index]?.push(value);
}

/** All bytes of a group, one after the other. */
class Bytes {
  readonly #parts: Uint8Array[] = [];
  #text = '';
  #length = 0;

  text(text: string): Place {
    // A newline after each, as half a character at the end of one must not join half a character of the next.
    this.#text += `${text}\n`;
    return this.#placed(Buffer.byteLength(text), 1);
  }

  raw(bytes: Uint8Array): Place {
    this.#endText();
    this.#parts.push(bytes);
    return this.#placed(bytes.length, 0);
  }

  all(): Buffer {
    this.#endText();
    const [only] = this.#parts;
    return this.#parts.length === 1 && Buffer.isBuffer(only) ? only : Buffer.concat(this.#parts);
  }

  #placed(length: number, gap: number): Place {
    const start = this.#length + 1;
    this.#length += length + gap;
    return {start, length};
  }

  #endText(): void {
    if (this.#text !== '') this.#parts.push(Buffer.from(this.#text));
    this.#text = '';
  }
}
