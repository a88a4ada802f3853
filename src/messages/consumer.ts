import {isoStamp} from '../clock.ts';
import type {MessageOutcome} from '../meter.ts';
import type {ListedHouse, OpenTrigger} from '../trigger.ts';
import {Extending} from './extend.ts';
import {Handler} from './handler.ts';
import {Lanes, laneOf, nameOf} from './lanes.ts';
import type {Connect, Connection, Inlet, Lag, Message, Terms} from './message.ts';
import {Pauses} from './pauses.ts';
import {Room} from './room.ts';
import {type Link, Settling, Taken} from './taken.ts';
import type {MessagesView} from './view.ts';
import {watchLag} from './watch-lag.ts';

export interface ConsumerOptions extends Terms {
  /** The system, as the event has it. */
  readonly type: string;
  readonly connect: Connect;
}

/** Of CORE_INFLIGHT_BYTES, for the messages that are held. */
const bytesPart = 1 / 4;
/** What a message takes beside its body, roughly. */
const besideBody = 1024;

/**
Takes messages of one entry, as many at a time as there is room for, and connects again for ever: at once, though calls of a
connection that was lost still run. These keep their places, and a message that is delivered again meanwhile waits for its call.
*/
export class Consumer implements OpenTrigger {
  readonly #options: ConsumerOptions;
  readonly #house: ListedHouse;
  readonly #handler: Handler;
  readonly #lanes = new Lanes();
  readonly #outcomes = new Map<MessageOutcome, number>();
  readonly #closing = new AbortController();
  readonly #room: Room;
  #detail: string | undefined = 'it has not connected yet';
  #lag: Lag | undefined;
  readonly #pauses = new Pauses();
  readonly #settling = new Settling();
  readonly #running: Promise<void>;

  constructor(options: ConsumerOptions, house: ListedHouse) {
    this.#options = options;
    this.#house = house;
    const most = options.concurrency ?? Math.max(1, Math.floor(house.places() / 2));
    const mostBytes = house.budget.maxBytes * bytesPart;
    this.#room = new Room({most, mostBytes}, house.clock, this.#closing.signal);
    this.#handler = new Handler(options, house, this.#closing.signal);
    house.meter.messagesWatched(house.name, options.type, {
      held: () => this.#room.held,
      isConnected: () => this.#detail === undefined,
      lag: () => this.#lag,
    });
    this.#running = this.#run();
  }

  detail(): string | undefined {
    return this.#detail;
  }

  /** What it does now, for people. */
  view(): MessagesView {
    const {name} = this.#house;
    const {type, ack} = this.#options;
    const {count, oldest} = this.#lag ?? {};
    return {
      name,
      system: type,
      ack,
      connected: this.#detail === undefined,
      ...(this.#detail !== undefined && {problem: this.#detail}),
      held: this.#room.held,
      most: this.#room.most,
      ...(count !== undefined && {waiting: count}),
      ...(oldest !== undefined && {oldestAt: isoStamp(oldest)}),
      outcomes: Object.fromEntries(this.#outcomes),
    };
  }

  /** Takes nothing more, gives back what has not started, and waits for what has. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const [{clock}, {signal}] = [this.#house, this.#closing];
    while (!signal.aborted) {
      let connectedAt: number | undefined;
      try {
        const connection = await this.#options.connect({...this.#house, givenUp: signal}, this.#room.most);
        connectedAt = clock.monotonic();
        this.#connected();
        await this.#consume(connection);
      } catch (error) {
        if (!signal.aborted) this.#away(error);
      }
      if (signal.aborted) break;
      const pauseMs = this.#pauses.next(connectedAt && clock.monotonic() - connectedAt);
      await Promise.all([clock.sleep(pauseMs, signal), this.#settling.room()]);
    }
    await this.#settling.over();
  }

  #connected(): void {
    if (this.#detail !== firstDetail && this.#detail !== undefined)
      this.#house.log.info({trigger: this.#house.name}, 'The broker of a trigger is back');
    this.#detail = undefined;
  }

  #away(error: unknown): void {
    const {log, name} = this.#house;
    const cause = error instanceof Error ? error.message : String(error);
    if (this.#detail === undefined || this.#detail === firstDetail)
      log.error({trigger: name, cause}, 'The broker of a trigger is away: it is tried again');
    this.#detail = `${name}: the broker is away: ${cause}`;
  }

  /** @throws when the connection is lost. What was taken by it may still run */
  async #consume(connection: Connection): Promise<void> {
    const [over, lost] = [new AbortController(), new AbortController()];
    void watchLag(connection, this.#house.clock, AbortSignal.any([over.signal, this.#closing.signal]), lag => {
      this.#lag = lag;
    });
    const ending = AbortSignal.any([lost.signal, this.#closing.signal]);
    const link: Link = {taken: new Taken(), extending: new Extending(connection, this.#house.clock), ending};
    const inlet: Inlet = {
      signal: this.#closing.signal,
      most: this.#room.most,
      mostBytes: this.#room.mostBytes,
      roomBytes: () => this.#room.bytes,
      free: () => this.#room.free,
      room: () => this.#room.some(),
      roomForMany: () => this.#room.many(),
      roomAnyway: () => this.#room.anyway(),
      take: message => {
        this.#pauses.useful();
        return this.#take(message, link);
      },
    };
    try {
      await connection.consume(inlet);
    } catch (error) {
      lost.abort();
      this.#away(error);
      await connection.leave?.().catch(() => {}); // it may be gone
      throw error;
    } finally {
      over.abort();
      this.#lag = undefined;
      this.#settling.add(connection, link.taken);
    }
  }

  async #take(message: Message, link: Link): Promise<void> {
    const {meter, name} = this.#house;
    const {taken, extending, ending} = link;
    const bytes = message.body.length + besideBody;
    const messageName = nameOf(message);
    this.#room.take(bytes, messageName);
    taken.begin();
    extending.begin(message);
    try {
      const outcome = await this.#lanes.run(
        laneOf(message),
        link,
        isBroken => this.#start(message, {ending, isBroken}),
        outcome => message.lane !== undefined && comesAgain(outcome),
      );
      meter.messageEnded(name, this.#options.type, outcome);
      this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
    } finally {
      extending.end(message);
      this.#room.release(bytes, messageName);
      taken.end();
    }
  }

  /**
  @param ending aborts when the trigger closes, or the connection is lost: then the broker delivers the message again by itself
  @param isBroken a message that comes before it in the order of its lane comes again
  */
  async #start(message: Message, {ending, isBroken}: {ending: AbortSignal; isBroken: boolean}): Promise<MessageOutcome> {
    const {isForgotten} = message;
    if ((isForgotten || !isBroken) && (await this.#room.begin(isForgotten ? undefined : ending))) {
      try {
        return await this.#handler.handle(message, ending);
      } finally {
        this.#room.end();
      }
    }
    if (this.#closing.signal.aborted || !ending.aborted) await message.giveBack?.(0).catch(() => {});
    return 'given-back';
  }
}

const comesAgain = (outcome: MessageOutcome) => outcome === 'given-back' || outcome === 'unacknowledged';

const firstDetail = 'it has not connected yet';
