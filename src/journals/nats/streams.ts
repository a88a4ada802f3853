import {isLast} from '../../facts.ts';
import type {Position, Recorded} from '../../journal.ts';
import {lastOf, messageOf, readFacts} from './message.ts';
import type {Own} from './own.ts';
import type {Kept, Reading} from './reading.ts';
import {isHashed, isPacked, type Subjects, timeInId} from './subjects.ts';

/**
How far the clock of a core may be ahead of those of the servers: its ids say when it made them. Facts that were appended are
found within an hour, as few share a subject; those that were recorded share one, so for them it is a minute.
*/
const appendedSkewMs = 3_600_000;
const recordedSkewMs = 60_000;

/** Where a stream stands. */
export interface Revision {
  /** Of the facts that were appended. */
  readonly revision: Position;
  /** The newest message of its subject. */
  readonly guard: number;
}

/** Reads the facts of streams. */
export class Streams {
  readonly #reading: Reading;
  readonly #subjects: Subjects;
  readonly #own: Own;

  constructor(reading: Reading, subjects: Subjects, own: Own) {
    this.#reading = reading;
    this.#subjects = subjects;
    this.#own = own;
  }

  async last(stream: string, now: boolean): Promise<Recorded | undefined> {
    if (!isHashed(stream)) {
      const newest = await this.#newest(stream, now);
      return newest && readFacts(newest).at(-1);
    }
    let last: Recorded | undefined;
    for await (const recorded of this.read(stream, now)) last = recorded;
    return last;
  }

  async *read(stream: string, now = false): AsyncGenerator<Recorded> {
    const appended = this.#appended(stream, await this.#newest(stream, now));
    let hasSome = false;
    for await (const recorded of appended) {
      hasSome = true;
      yield recorded;
    }
    if (!hasSome && isPacked(stream)) yield* this.#recorded(stream);
  }

  async *scan(prefix: string, after: Position): AsyncGenerator<Recorded> {
    for await (const kept of this.#reading.walk({of: this.#subjects.below(prefix), from: messageOf(after)})) {
      for (const recorded of readFacts(kept)) {
        if (recorded.position > after && recorded.stream.startsWith(prefix)) yield recorded;
      }
    }
  }

  /** A position before every fact from this wall time on. */
  async before(at: number): Promise<Position> {
    const of = this.#subjects.facts;
    const [first] = await this.#reading.page({of, from: 1, since: at - recordedSkewMs});
    if (first) return lastOf(first.sequence - 1);
    const newest = await this.#reading.last(of);
    return newest ? lastOf(newest.sequence) : 0;
  }

  /** @param now as of now; else perhaps as of a moment ago, for a guard that proves it */
  async revision(stream: string, now: boolean): Promise<Revision> {
    const newest = await this.#newest(stream, now, subject => this.#reading.lastSomewhere(subject));
    const guard = newest?.sequence ?? 0;
    if (!isHashed(stream)) return {revision: guard === 0 ? 0 : lastOf(guard), guard};
    let revision = 0;
    for await (const {position} of this.#appended(stream, newest)) revision = position;
    return {revision, guard};
  }

  /** The newest message of the subject of a stream, which it may share. Never older than this core was told is kept. */
  async #newest(stream: string, now: boolean, read = (subject: string) => this.#reading.last(subject)): Promise<Kept | undefined> {
    const subject = this.#subjects.of(stream);
    const newest = now ? undefined : await read(subject);
    const isOld = now || (newest?.sequence ?? 0) < this.#own.of(stream);
    return isOld ? this.#reading.lastNow(subject) : newest;
  }

  async *#appended(stream: string, until: Kept | undefined): AsyncGenerator<Recorded> {
    if (!until) return;
    for await (const kept of this.#reading.walk({of: this.#subjects.of(stream), from: 1, since: startOf(stream, appendedSkewMs), until})) {
      for (const recorded of readFacts(kept)) if (recorded.stream === stream) yield recorded;
    }
  }

  /** Facts that were only recorded. Nothing comes after the end of an invocation. */
  async *#recorded(stream: string): AsyncGenerator<Recorded> {
    for await (const kept of this.#reading.walk({of: this.#subjects.packs, from: 1, since: startOf(stream, recordedSkewMs)})) {
      const facts = readFacts(kept).filter(recorded => recorded.stream === stream);
      yield* facts;
      if (facts.some(({fact}) => isLast(fact.type))) return;
    }
  }
}

/** What is about an invocation was kept after the time in its id. */
function startOf(stream: string, skewMs: number): number | undefined {
  const at = isHashed(stream) ? timeInId(stream) : undefined;
  return at === undefined ? undefined : at - skewMs;
}
