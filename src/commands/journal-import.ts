import {open} from 'node:fs/promises';
import path from 'node:path';
import type {Readable} from 'node:stream';
import {crc32} from 'node:zlib';
import {systemClock} from '../clock.ts';
import type {Fact} from '../facts.ts';
import type {Journal, Payload} from '../journal.ts';
import {readEvent, type Travelled} from '../journals/cloud-event.ts';
import type {JournalPlace} from '../journals/index.ts';
import {linesOf} from '../workers/output/lines.ts';
import {exit} from './exit.ts';
import {CommandFailed, openToAppend} from './journal-at.ts';
import {complain} from './terminal.ts';

/** Facts that are on their way to the disk together. */
const importedAtOnce = 200;
/** Payloads that one fact refers to; an export has one before each. */
const mostPayloads = 16;

type TravelledFact = Extract<Travelled, {fact: Fact}>;

/**
Appends what was exported; positions are the journal's own, times are those of the facts. What the journal has already
is left out, so that an import can be done again, also one that broke off.
*/
export async function importFacts(target: JournalPlace, from: string | undefined): Promise<void> {
  const input = await openInput(from); // before a journal is made for nothing
  let now = systemClock.now();
  await using journal = await openToAppend(target, {...systemClock, now: () => now}).catch(error => {
    throw new CommandFailed(exit.noJournal, `${target.place}: ${error.message}`);
  });
  const known = await Known.read(journal);
  const counts = {imported: 0, known: 0, other: 0};
  let payloads: Payload[] = [];
  let problem: string | undefined;
  const waiting: Promise<unknown>[] = [];
  const note = (error: Error) => {
    problem ??= error.message;
  };
  for await (const travelled of travelledIn(input, note)) {
    if ('payload' in travelled) {
      payloads.push(travelled.payload);
      continue;
    }
    const standing = known.take(travelled);
    if (standing === 'new') {
      now = travelled.at;
      waiting.push(journal.append(travelled.stream, [travelled.fact], {payloads}).catch(note));
      if (++counts.imported % importedAtOnce === 0) await Promise.all(waiting.splice(0));
    } else counts[standing]++;
    payloads = [];
    if (problem !== undefined) break;
  }
  await Promise.all(waiting);
  if (problem !== undefined) throw new CommandFailed(exit.failed, `not everything was imported: ${problem}`);
  if (counts.known > 0) complain(`${counts.known} facts were there already`);
  complain(`${counts.imported} facts were imported into ${target.place}`);
  if (counts.other === 0) return;
  throw new CommandFailed(exit.failed, `${counts.other} facts were left out, as their streams have other facts there: ${known.others}`);
}

/** What the lines hold, up to the first that is refused. */
async function* travelledIn(input: Readable, refuse: (problem: Error) => void): AsyncGenerator<Travelled> {
  let number = 1;
  let payloads = 0;
  try {
    for await (const line of linesOf(input)) {
      if (line !== '') {
        const travelled = readEvent(line);
        payloads = 'payload' in travelled ? payloads + 1 : 0;
        if (payloads > mostPayloads) throw new TypeError(`expected a fact after ${mostPayloads} payloads`);
        yield travelled;
      }
      number++;
    }
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    refuse(new Error(`line ${number}: ${error.message}`));
  }
}

async function openInput(from: string | undefined): Promise<Readable> {
  if (from === undefined || from === '-') return process.stdin;
  return (await open(path.resolve(from))).createReadStream();
}

interface Begun {
  readonly count: number;
  readonly checksum: number;
}

const nothing: Begun = {count: 0, checksum: 0};

/** What the streams of a journal begin with, as far as it was there before. */
class Known {
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

  get others(): string {
    const [first = '', ...more] = this.#others;
    return more.length === 0 ? first : `${first} and ${more.length} more`;
  }

  /** Where the next fact of a stream stands: it comes after those that are there, is one of them, or after others. */
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
