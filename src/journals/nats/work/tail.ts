import {randomUUID} from 'node:crypto';
import {answerOf} from '../answer.ts';
import {insist, type Patience} from '../insist.ts';
import type {Kept} from '../reading.ts';
import type {Subjects} from '../subjects.ts';
import {Away, type Message, type Transport} from '../transport.ts';

/** The servers send a sign of life that often. */
const beatMs = 1000;
const silenceMs = 5 * beatMs;
/** How long is waited after the servers did not take the question. */
const againMs = 1000;
/** How long the servers keep a consumer that nobody listens to. */
const inactiveNs = 30e9;

export interface TailHouse {
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly patience: Patience;
  after(ms: number, fire: () => void): () => void;
}

export interface Listener {
  /** Everything comes anew. */
  reset(): void;
  message(kept: Pick<Kept, 'subject' | 'sequence' | 'body'>): void;
  /** What was there when this began has come. */
  caughtUp(): void;
}

/**
Hears the newest message of each of some subjects, in order, then every new one, but for what is replaced or removed before its
turn comes. What is missed on the way is noticed, and all comes anew. It has caught up when it hears a message of its own, which a
majority has kept after it began: a server that has just come back may tell of what it has, and lack what replaced things that it
has removed already.
*/
export class Tail {
  readonly #house: TailHouse;
  readonly #of: readonly string[];
  readonly #listener: Listener;
  #stopHearing = () => {};
  #stopWatch = () => {};
  #heard = 0;
  /** The message of its own: where it is written, which one is waited for, and the newest that was heard. */
  readonly #mark: string;
  #marked = Number.POSITIVE_INFINITY;
  #heardMark = 0;
  /** When the last message was heard, or asked for. */
  #heardAt = 0;
  #hasBegun = false;
  #isBeginning = false;
  /** Something did not come, so that all must come anew. */
  #hasMissed = false;
  #isEnded = false;

  constructor(house: TailHouse, of: readonly string[], listener: Listener) {
    this.#house = house;
    this.#of = of;
    this.#mark = house.subjects.barrier(randomUUID());
    this.#listener = listener;
    house.transport.onBreak(() => this.again());
  }

  /** @throws Fault JOURNAL_FAILED */
  async begin(): Promise<void> {
    this.#hasBegun = true;
    this.#isBeginning = true;
    try {
      await this.#ask();
    } finally {
      this.#isBeginning = false;
    }
    if (this.#hasMissed) return this.again();
    if (this.#heardMark >= this.#marked) this.#listener.caughtUp();
    this.#watch();
  }

  async #ask(): Promise<void> {
    const {transport, subjects, patience} = this.#house;
    await insist(patience, async () => {
      this.#stopHearing();
      this.#heard = 0;
      this.#hasMissed = false;
      this.#marked = Number.POSITIVE_INFINITY;
      this.#heardMark = 0;
      this.#listener.reset();
      const inbox = `_INBOX.core.${randomUUID()}`;
      const stop = transport.subscribe(inbox, message => {
        if (stop === this.#stopHearing) this.#hear(message);
      });
      this.#stopHearing = stop;
      const config = {
        deliver_policy: 'last_per_subject',
        deliver_subject: inbox,
        filter_subjects: [...this.#of, this.#mark],
        ack_policy: 'none',
        flow_control: true,
        idle_heartbeat: beatMs * 1e6,
        inactive_threshold: inactiveNs,
        num_replicas: 1,
        mem_storage: true,
      };
      const ask = JSON.stringify({stream_name: subjects.stream, config, action: 'create'});
      const {error} = answerOf(await transport.request(`$JS.API.CONSUMER.CREATE.${subjects.stream}`, ask));
      if (error) throw new Away(`The servers refuse to tell of work: ${error.description}`);
      const {seq, error: refused} = answerOf(await transport.request(this.#mark, '', {'Nats-Rollup': 'sub', 'Nats-TTL': '1h'}));
      if (seq === undefined || refused) throw new Away(`The servers cannot be written: ${refused?.description}`);
      this.#marked = seq;
      this.#heardAt = patience.clock.monotonic();
    });
  }

  /** What was on its way may be lost: everything comes anew. */
  again(): void {
    if (this.#isEnded || !this.#hasBegun) return;
    this.#hasMissed = true;
    if (this.#isBeginning) return; // it asks again at its end, if not before
    this.#stopWatch();
    this.#stopHearing();
    this.#stopHearing = () => {};
    // While no server answers this fails, and is tried again.
    this.begin().catch(() => this.#watch(againMs));
  }

  end(): void {
    this.#isEnded = true;
    this.#stopWatch();
    this.#stopHearing();
  }

  #hear(message: Message): void {
    this.#watch();
    if (message.code === 100) this.#beat(message);
    else this.#take(message);
  }

  #take({subject, body, reply}: Message): void {
    const place = placeIn(reply);
    if (place?.number !== this.#heard + 1) {
      this.again();
      return;
    }
    this.#heard++;
    this.#heardAt = this.#house.patience.clock.monotonic();
    if (subject === this.#mark) this.#heardMark = place.sequence;
    else this.#listener.message({subject, sequence: place.sequence, body});
    if (subject === this.#mark && this.#heardMark >= this.#marked && !this.#isBeginning) this.#listener.caughtUp();
  }

  /** A sign of life. The servers may wait until we say that we have read what they sent. */
  #beat({reply, field}: Message): void {
    const stalled = field('Nats-Consumer-Stalled');
    const asks = reply === '' ? stalled : reply;
    if (asks !== '' && this.#house.transport.isConnected) this.#house.transport.publish(asks, '');
    const sent = field('Nats-Last-Consumer');
    const isQuiet = this.#house.patience.clock.monotonic() - this.#heardAt > silenceMs;
    // A server that has nothing more to tell, and does not have our message, lacks what others have: another one may be asked.
    const lacks = !this.#isBeginning && this.#heardMark < this.#marked && isQuiet;
    if ((sent !== '' && Number(sent) !== this.#heard) || lacks) this.again();
  }

  #watch(ms = silenceMs): void {
    this.#stopWatch();
    if (!this.#isEnded) this.#stopWatch = this.#house.after(ms, () => this.again());
  }
}

/** `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<tries>.<sequence>.<number>.<time>.<pending>[.…]` */
function placeIn(reply: string): {readonly sequence: number; readonly number: number} | undefined {
  const tokens = reply.split('.');
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || tokens.length < 9) return undefined;
  const [, sequence, number] = tokens.slice(tokens.length === 9 ? 4 : 6).map(Number);
  return sequence === undefined || number === undefined ? undefined : {sequence, number};
}
