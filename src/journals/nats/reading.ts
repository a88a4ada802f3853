import {randomUUID} from 'node:crypto';
import {isoStamp} from '../../clock.ts';
import {type Answer, answerOf} from './answer.ts';
import {insist, type Patience} from './insist.ts';
import {type Noting, unnoted} from './majority.ts';
import type {Subjects} from './subjects.ts';
import {Away, type Message, type Transport} from './transport.ts';

/** A message that the servers keep. */
export interface Kept {
  readonly subject: string;
  /** Its number in the stream. */
  readonly sequence: number;
  /** When the servers kept it, by their clock. */
  readonly storedAt: number;
  /** What it was appended under. */
  readonly appendId: string;
  field(name: string): string;
  readonly body: Uint8Array;
}

export interface PageOptions {
  /** A subject, or a pattern of subjects. */
  readonly of: string;
  /** From the message with this number on. */
  readonly from: number;
  /** Or from this moment of the servers' clock on, if that is later. */
  readonly since?: number | undefined;
}

/** The last message that is read. */
export interface End {
  readonly sequence: number;
  readonly storedAt?: number;
}

const pageMessages = 256;
const pageBytes = 2 ** 22;
/** How long a copy may be behind the others before what it lacks counts as removed. */
const behindMs = 3000;
const lookAgainMs = 10;
const notFound = 10037;
/** A later moment has no form that servers read: the end of the year 9999. */
const latest = 253_402_300_799_000;

/** Reads from the servers. Each question is asked until it is answered, for as long as an election takes. */
export class Reading {
  readonly #transport: Transport;
  readonly #subjects: Subjects;
  readonly #patience: Patience;
  readonly #majority: Noting;
  readonly #barrier: string;

  constructor(transport: Transport, subjects: Subjects, patience: Patience, majority = unnoted) {
    this.#transport = transport;
    this.#subjects = subjects;
    this.#patience = patience;
    this.#majority = majority;
    this.#barrier = subjects.barrier(randomUUID());
  }

  /**
  The newest message of a subject or a pattern, as the leader has it. A leader that was deposed may answer, too. While the
  servers have no leader of them all, which they choose besides those of streams, none answers this: then a subject is read as
  of now, which needs no such leader.
  */
  last(of: string): Promise<Kept | undefined> {
    return insist(this.#patience, async tries => {
      if (tries % 2 === 1 && !isPattern(of)) return this.#asOfNow(of);
      const {error, message} = await this.#api('STREAM.MSG.GET', {last_by_subj: of});
      if (message) return fromLeader(message);
      if (error?.err_code === notFound) return undefined;
      throw new Away(`The servers cannot be read: ${error?.description}`);
    });
  }

  /** The newest message of a subject, as any copy has it, which may be behind. Half the work of asking the leader; for what a guard proves. */
  lastSomewhere(subject: string): Promise<Kept | undefined> {
    return insist(this.#patience, async () => {
      const message = await this.#transport.request(`$JS.API.DIRECT.GET.${this.#subjects.stream}.${subject}`, '');
      if (message.code === 404) return undefined;
      if (message.code !== 0) throw new Away(`The servers refused to be read with ${message.code}`);
      return fromCopy(message);
    });
  }

  /**
  The newest message of a subject, as of now: none was acknowledged before that call which this does not know. A message of
  our own shows that a majority is there; whichever copy then answers must have that message, too.
  */
  lastNow(of: string): Promise<Kept | undefined> {
    return insist(this.#patience, () => this.#asOfNow(of));
  }

  /** The first messages of a subject or pattern. What a copy has is whole up to its newest; it may lack newer ones. */
  page({of, from, since}: PageOptions): Promise<readonly Kept[]> {
    const start = since === undefined ? {seq: Math.max(1, from)} : {start_time: isoStamp(Math.min(Math.max(0, since), latest))};
    return insist(this.#patience, async () => {
      const page = await this.#direct({...start, next_by_subj: of, batch: pageMessages, max_bytes: pageBytes});
      return page.filter(({sequence}) => sequence >= from);
    });
  }

  /** Every message of a subject or pattern that there is now, or up to one. */
  async *walk({of, from: start, since, until: given}: PageOptions & {readonly until?: End | undefined}): AsyncGenerator<Kept> {
    const end = given ?? (await this.last(of));
    // All of it is older; a page would be as empty as that of a copy that is behind.
    if (!end || (since !== undefined && (end.storedAt ?? since) < since)) return;
    let until = end.sequence;
    const from = Math.max(1, start);
    let next = from;
    let emptySince = this.#patience.clock.monotonic();
    while (next <= until) {
      const page = await this.page(next === from ? {of, from, since} : {of, from: next});
      for (const kept of page) {
        if (kept.sequence > until) return;
        yield kept;
      }
      const newest = page.at(-1);
      if (newest) {
        next = newest.sequence + 1;
        emptySince = this.#patience.clock.monotonic();
        continue;
      }
      // The copy that answered is behind, or the end was removed meanwhile.
      if (this.#patience.clock.monotonic() - emptySince > behindMs) return;
      await this.#patience.clock.sleep(lookAgainMs);
      until = Math.min(until, (await this.last(of))?.sequence ?? 0);
    }
  }

  async #asOfNow(of: string): Promise<Kept | undefined> {
    const seq = await this.#majority.noting(() => this.#mark());
    for (
      const until = this.#patience.clock.monotonic() + behindMs;
      this.#patience.clock.monotonic() < until;
      await this.#patience.clock.sleep(lookAgainMs)
    ) {
      const found = await this.#direct({multi_last: [of, this.#barrier]});
      const [barrier] = found.filter(({subject}) => subject === this.#barrier);
      if (barrier && barrier.sequence >= seq) return found.find(({subject}) => subject === of);
    }
    throw new Away('The copies are too far behind');
  }

  /** Writes a message of our own. @returns its number */
  async #mark(): Promise<number> {
    const {seq, error} = answerOf(await this.#transport.request(this.#barrier, '', {'Nats-Rollup': 'sub', 'Nats-TTL': '1h'}));
    if (seq === undefined || error) throw new Away(`The servers cannot be written: ${error?.description}`);
    return seq;
  }

  async #api(name: string, ask: object): Promise<Answer> {
    return answerOf(await this.#transport.request(`$JS.API.${name}.${this.#subjects.stream}`, JSON.stringify(ask)));
  }

  async #direct(ask: object): Promise<Kept[]> {
    const messages = await this.#transport.gather(`$JS.API.DIRECT.GET.${this.#subjects.stream}`, JSON.stringify(ask));
    const code = messages.at(-1)?.code;
    // 404 says that there is nothing, or, behind messages, that the next one could not be read.
    const isWhole = code === 204 || (code === 404 && messages.length === 1);
    if (!isWhole) throw new Away(`The servers refused to be read with ${code}`);
    return messages.slice(0, -1).map(fromCopy);
  }
}

const isPattern = (of: string) => of.includes('*') || of.includes('>');

function fromCopy({field, body}: Message): Kept {
  return kept(field('Nats-Subject'), Number(field('Nats-Sequence')), field('Nats-Time-Stamp'), field, body);
}

function fromLeader({subject, seq, hdrs = '', data = '', time}: NonNullable<Answer['message']>): Kept {
  const lines = Buffer.from(hdrs, 'base64').toString().split('\r\n');
  const field = (name: string) => {
    const line = lines.find(each => each.toLowerCase().startsWith(`${name.toLowerCase()}:`));
    return line === undefined ? '' : line.slice(name.length + 1).trim();
  };
  return kept(subject, seq, time, field, Buffer.from(data, 'base64'));
}

function kept(subject: string, sequence: number, time: string, field: Kept['field'], body: Uint8Array): Kept {
  const [appendId = ''] = field('Nats-Msg-Id').split('.');
  return {subject, sequence, storedAt: Date.parse(time), appendId, field, body};
}
