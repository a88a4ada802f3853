import {randomUUID} from 'node:crypto';
import {answerOf} from './answer.ts';
import {failed, insist, type Patience} from './insist.ts';
import {type Noting, unnoted} from './majority.ts';
import {Pace} from './pace.ts';
import {Away, type Fields, type Message, type Transport} from './transport.ts';

/** A message that is to be kept. */
export interface Entry {
  readonly subject: string;
  readonly body: string | Uint8Array;
  /** The number that the newest message of its subject must have; 0 for a subject without messages. */
  readonly guard?: number | undefined;
  /** True: it replaces what its subject has. */
  readonly replaces?: boolean | undefined;
  /** The servers remove it after this many seconds. */
  readonly ttlS?: number | undefined;
  readonly fields?: Fields | undefined;
}

/** `refused`: a guard does not hold, or so the server that answered believes. `known`: it was kept before. */
export type Written = {readonly sequence: number} | 'refused' | 'known';

/** Most messages that servers keep in one piece. */
export const mostEntries = 1000;
/** What stays for longer stays for ever, as for a command that keeps everything. */
const longestTtlS = 3e8;
/** Writes that are on their way at a time: of one message, and of several. A stream takes 50 of these, from all cores. */
const mostMessages = 256;
const mostBatches = 48;
/** How long the answer of a server may take that is seen to answer others. One that fell silent is asked sooner: it may not lead any more. */
const slowAnswerMs = 8000;
/** Left for the fields of a message. */
const fieldBytes = 4096;

/** How often it was tried, and when it was last sent. */
interface Trial {
  readonly tries: number;
  readonly before: number;
}

const wrongLast = [10_071, 10_164];
const duplicate = 10_201;
/** No room: for the stream, on the disk, for this account. */
const noRoom = [10_077, 10_023, 10_047, 10_122, 10_050, 10_051];
/** The message or the batch itself cannot be kept. */
const impossible = [10_054, 10_199, 10_174, 10_052];

/** Writes messages, all or none. What is written again under its name is kept once. */
export class Writing {
  readonly #transport: Transport;
  readonly #patience: Patience;
  readonly #majority: Noting;
  readonly #paces: {readonly one: Pace; readonly batch: Pace};

  constructor(transport: Transport, patience: Patience, majority = unnoted) {
    this.#transport = transport;
    this.#patience = patience;
    this.#majority = majority;
    this.#paces = {one: new Pace(mostMessages, patience.clock), batch: new Pace(mostBatches, patience.clock)};
  }

  /** The largest body of a message. */
  get mostBytes(): number {
    return this.#transport.mostBytes - fieldBytes;
  }

  /**
  Waits for the turn of something that writes. What it reads before belongs into its turn, so that it is not old.

  @throws Fault JOURNAL_BUSY: it was not begun; and whatever it throws
  */
  turn<T>(isBatch: boolean, act: () => Promise<T>): Promise<T> {
    return this.#paces[isBatch ? 'batch' : 'one'].turn(act);
  }

  /** @param id of this append @throws Fault JOURNAL_FAILED; then they may have been kept all the same */
  write(id: string, entries: readonly [Entry, ...Entry[]]): Promise<Written> {
    if (entries.length > mostEntries)
      return Promise.reject(failed(`${entries.length} messages are more than the servers keep in one piece`));
    const large = entries.find(({body}) => body.length > this.mostBytes);
    if (large) return Promise.reject(failed(`${large.body.length} bytes are more than the servers take in one message`));
    let sentAt = Number.POSITIVE_INFINITY;
    return insist(this.#patience, tries => {
      const before = sentAt;
      sentAt = this.#patience.clock.monotonic();
      // A server that is cut off refuses, too.
      return this.#majority.noting(
        () => this.#try(id, entries, {tries, before}),
        written => typeof written === 'object',
      );
    });
  }

  /** @throws Away; Fault JOURNAL_FAILED */
  async #try(id: string, entries: readonly [Entry, ...Entry[]], trial: Trial): Promise<Written> {
    const {seq, error} = answerOf(await this.#paced(id, entries, trial));
    if (!error && seq !== undefined) return {sequence: seq};
    const code = error?.err_code ?? 0;
    if (wrongLast.includes(code)) return 'refused';
    if (code === duplicate) return 'known';
    const why = error?.description ?? 'no reason was given';
    if (noRoom.includes(code)) throw failed(`the servers have no room for more: ${why}`);
    if (impossible.includes(code)) throw failed(`the servers refuse it: ${why}`);
    throw new Away(`The servers cannot write now: ${why}`);
  }

  /** Sends, and notes how soon the servers answer. */
  async #paced(id: string, entries: readonly [Entry, ...Entry[]], {tries, before}: Trial): Promise<Message> {
    const pace = this.#paces[entries.length > 1 ? 'batch' : 'one'];
    try {
      const answer = await this.#send(id, entries, tries, pace.hasAnswered(before) ? slowAnswerMs : undefined);
      pace.answered();
      return answer;
    } catch (error) {
      if (error instanceof Away && error.isLate) pace.late();
      throw error;
    }
  }

  #send(id: string, entries: readonly [Entry, ...Entry[]], tries: number, answerMs: number | undefined) {
    const batch = entries.length > 1 ? `${id}-${tries}-${randomUUID().slice(0, 8)}` : undefined;
    for (const [index, entry] of entries.slice(0, -1).entries()) {
      this.#transport.publish(entry.subject, entry.body, fieldsOf(entry, id, index + 1, batch));
    }
    const last = entries.at(-1) ?? entries[0];
    const fields = fieldsOf(last, id, entries.length, batch);
    const all = batch === undefined ? fields : {...fields, 'Nats-Batch-Commit': '1'};
    return this.#transport.request(last.subject, last.body, all, answerMs);
  }
}

function fieldsOf({guard, replaces, ttlS, fields}: Entry, id: string, number: number, batch: string | undefined): Fields {
  return {
    ...fields,
    'Nats-Msg-Id': `${id}.${number}`,
    ...(guard !== undefined && {'Nats-Expected-Last-Subject-Sequence': String(guard)}),
    ...(replaces && {'Nats-Rollup': 'sub'}),
    ...(ttlS !== undefined && ttlS < longestTtlS && {'Nats-TTL': `${Math.max(1, Math.ceil(ttlS))}s`}),
    ...(batch !== undefined && {'Nats-Batch-Id': batch, 'Nats-Batch-Sequence': String(number)}),
  };
}
