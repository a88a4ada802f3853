import {crc32} from 'node:zlib';
import type {Fact} from '../facts.ts';
import type {Journal} from '../journal.ts';
import type {Travelled} from '../journals/cloud-event.ts';

type TravelledFact = Extract<Travelled, {fact: Fact}>;

/**
The facts that a journal had before an import. For each stream it holds their number and a checksum, which tell whether
the imported facts are the same ones.
*/
export class Known {
  readonly #streams = new Map<string, Begun>();
  readonly #taken = new Map<string, Begun>();
  readonly #others = new Set<string>();

  static async read(journal: Journal): Promise<Known> {
    const known = new Known();
    for await (const recorded of journal.scan('')) {
      known.#streams.set(recorded.stream, grow(known.#streams.get(recorded.stream), recorded));
    }
    return known;
  }

  /** The streams whose facts are not those of the journal. */
  get others(): string {
    const [first = '', ...more] = this.#others;
    return more.length === 0 ? first : `${first} and ${more.length} more`;
  }

  /** Whether the next fact of a stream is new, is in the journal already, or follows other facts than those of the journal. */
  take(travelled: TravelledFact): 'new' | 'known' | 'other' {
    const {stream} = travelled;
    const there = this.#streams.get(stream);
    if (!there) return 'new';
    const taken = this.#taken.get(stream) ?? nothing;
    if (taken.count < there.count) {
      const next = grow(taken, travelled);
      this.#taken.set(stream, next);
      if (next.count < there.count || next.checksum === there.checksum) return 'known';
      this.#others.add(stream);
      return 'other';
    }
    return this.#others.has(stream) ? 'other' : 'new';
  }
}

function grow({count, checksum} = nothing, {at, fact}: Pick<TravelledFact, 'at' | 'fact'>): Begun {
  return {count: count + 1, checksum: crc32(JSON.stringify([at, fact.type, fact.data]), checksum)};
}

interface Begun {
  readonly count: number;
  readonly checksum: number;
}

const nothing: Begun = {count: 0, checksum: 0};
