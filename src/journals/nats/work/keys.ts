import type {IdempotencyKey, UsedKey} from '../../../work.ts';
import type {Kept, Reading} from '../reading.ts';
import type {Subjects} from '../subjects.ts';
import type {Entry} from '../writing.ts';

/** The request that came first with a key. */
export type FirstOfKey = UsedKey;

/** What is known of a key, and the message that says so. */
export interface KnownKey {
  readonly first: FirstOfKey | undefined;
  readonly guard: number;
}

/** Servers remove keys a little later, by their own clock. */
const laterS = 60;

/** Keys that make a request unique for a while. Each has a subject, so that servers refuse a second one. */
export class Keys {
  readonly #reading: Reading;
  readonly #subjects: Subjects;

  constructor(reading: Reading, subjects: Subjects) {
    this.#reading = reading;
    this.#subjects = subjects;
  }

  /** As it was a moment ago, or as of now. A key that is over by then counts as unknown. */
  async find(scope: string, at: number, now = false): Promise<KnownKey> {
    const subject = this.#subjects.key(scope);
    const newest = now ? await this.#reading.lastNow(subject) : await this.#reading.last(subject);
    const first = newest && firstIn(newest);
    return {first: first && first.until > at ? first : undefined, guard: newest?.sequence ?? 0};
  }

  /** Keeps a request as the first of its key. */
  entry({scope, fingerprint, until}: IdempotencyKey, id: string, at: number, guard: number): Entry {
    const first: FirstOfKey = {scope, id, fingerprint, until};
    const ttlS = Math.max(0, until - at) / 1000 + laterS;
    return {subject: this.#subjects.key(scope), body: JSON.stringify(first), guard, replaces: true, ttlS};
  }

  /** Frees the key of an item; nothing when another request has it by now. */
  async freeing(scope: string | undefined, id: string): Promise<Entry[]> {
    if (scope === undefined) return [];
    const subject = this.#subjects.key(scope);
    const newest = await this.#reading.lastNow(subject);
    if (!newest || firstIn(newest)?.id !== id) return [];
    return [{subject, body: '', guard: newest.sequence, replaces: true, ttlS: laterS}];
  }
}

/** What a second request with a key is told. */
export const pick = ({id, fingerprint}: FirstOfKey) => ({id, fingerprint});

export function firstIn({body}: Kept): FirstOfKey | undefined {
  return body.length === 0 ? undefined : (JSON.parse(Buffer.from(body).toString()) as FirstOfKey); // only this module writes them
}
