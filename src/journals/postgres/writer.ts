import {randomUUID} from 'node:crypto';
import type {Clock} from '../../clock.ts';
import type {Durability} from '../../journal.ts';
import type {Log} from '../../log.ts';
import {backOff} from '../back-off.ts';
import {Commits, meaningOf, NotReplicated} from './commits.ts';
import {Connection, sqlState} from './connection.ts';
import {Group} from './group.ts';
import type {PostgresPlace} from './place.ts';
import type {Batch, Queue} from './queue.ts';
import {Refusing} from './refusing.ts';
import {checkVersion, prove, writersSettings} from './schema.ts';

/** How long those who wait are left waiting for a database that went away. A restart of it may be shorter. */
const patienceMs = 2000;

export interface WriterHouse {
  readonly clock: Clock;
  readonly log: Log;
  readonly queue: Queue;
  /** Who claims work, by now. */
  holder(): string;
  /** A group was kept. @param ms how long that took */
  kept(ms: number): void;
}

/**
The one connection of this core that writes. When it breaks, it is made again for ever. What became of the group that was on
its way is then looked up by its id; what was not kept is written again, unless those who waited were told so meanwhile.
*/
export class Writer {
  readonly #place: PostgresPlace;
  readonly #house: WriterHouse;
  readonly #commits: Commits;
  readonly #closing = new AbortController();
  #connection: Connection | undefined;
  /** What is on its way, or may have been kept. */
  #sent: Batch | undefined;
  #working: Promise<void> = Promise.resolve();
  #isWorking = false;
  /** The database went away, and nothing was kept since then. */
  #isAway = false;
  #stopPatience: (() => void) | undefined;
  readonly #refusing: Refusing;
  /** What a commit promised when the connection was made. */
  durability: Durability = 'fsync';

  constructor(place: PostgresPlace, house: WriterHouse) {
    this.#place = place;
    this.#house = house;
    this.#commits = new Commits(place.schema);
    this.#refusing = new Refusing(house.clock, () => this.pump());
  }

  /** True while groups can be kept. */
  get isWriting(): boolean {
    return !this.#isAway && !this.#refusing.isSo && !this.#closing.signal.aborted;
  }

  /** @throws Error when it cannot be opened */
  async open(): Promise<void> {
    this.#connection = await this.#connect();
  }

  /** Writes everything that there is. */
  pump(): void {
    if (!this.#isWorking) this.#working = this.#work();
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    for (;;) {
      const batch = this.#house.queue.take();
      if (batch) await this.#write(batch);
      else if ((this.#isAway || this.#refusing.isTryDue) && !this.#closing.signal.aborted) await this.#comeBack();
      else break;
    }
    this.#isWorking = false; // without a wait before it: the next command starts a new round
  }

  /** Writes a batch, or finds out that it was written. Never rejects. */
  async #write(batch: Batch): Promise<void> {
    const {clock, queue, log, holder} = this.#house;
    this.#sent = batch;
    for (let isUnknown = false; ; ) {
      const connection = await this.#connected();
      if (!connection) return queue.lost(this.#sent, 'it is closed');
      const startedAt = clock.monotonic();
      try {
        const known = isUnknown ? await this.#commits.find(connection, this.#sent.group.id) : undefined;
        if (isUnknown && !known && this.#sent.group.isForgotten(clock.now())) return queue.lost(this.#sent, 'it may have been kept');
        if (isUnknown && !known) this.#sent = {...batch, group: this.#sent.group.again()};
        isUnknown = false;
        const answer = known ?? (await this.#commits.make(connection, this.#sent.group, clock.now(), holder()));
        this.#sent.group.settle(answer);
        queue.done(batch);
        this.#house.kept(clock.monotonic() - startedAt);
        return this.#wentWell();
      } catch (error) {
        const [{message}, meaning] = [error as Error, meaningOf(error)];
        isUnknown ||= meaning === 'unknown'; // also while it cannot be looked up
        if (meaning === 'unknown' || meaning === 'standby') await this.#lose(error as Error, connection);
        else if (meaning === 'one' && this.#sent.group.commands.length > 1) return this.#writeApart(this.#sent);
        else if (meaning !== 'again') {
          log.error({cause: message, state: sqlState(error)}, 'The database refused facts');
          if (meaning === 'refused') this.#refusing.begin();
          return queue.lost(this.#sent, message);
        }
        if (error instanceof NotReplicated) return queue.lost(this.#sent, message);
      }
    }
  }

  /** One of the commands cannot be written, and must not take the others along. */
  async #writeApart(within: Batch): Promise<void> {
    for (const command of within.group.commands) {
      if (command.waiter && within.group.isGivenUp) continue;
      await this.#write({group: new Group([command]), barriers: [], size: 0, within});
    }
    this.#house.queue.done(within);
  }

  /** @returns undefined once closed */
  async #connected(): Promise<Connection | undefined> {
    const {signal} = this.#closing;
    for (let time = 0; !signal.aborted; time++) {
      if (this.#connection) return this.#connection;
      if (time > 0 && !(await this.#house.clock.sleep(backOff(time), signal))) break;
      this.#connection = await this.#connect().catch(() => undefined);
    }
    return undefined;
  }

  async #connect(): Promise<Connection> {
    const connection: Connection = await Connection.open(this.#place.url, 'writer', {
      clock: this.#house.clock,
      ended: error => void this.#lose(error, connection),
    });
    try {
      await connection.run(writersSettings);
      this.durability = await prove(connection);
      await checkVersion(connection, this.#place.schema);
      return connection;
    } catch (error) {
      await connection[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The connection is gone, or of no use. Also while nothing is written it is made again at once, so that the next group finds it. */
  async #lose(error: Error, connection: Connection): Promise<void> {
    if (this.#connection === connection) this.#connection = undefined;
    if (!this.#isAway && !this.#closing.signal.aborted) {
      const {clock, log, queue} = this.#house;
      this.#isAway = true;
      log.error({cause: error.message}, 'The database went away: facts wait for it');
      this.#stopPatience = clock.after(patienceMs, () => {
        log.error({cause: error.message}, 'The database is away: appends are refused until it is back');
        queue.leave(error.message);
        if (this.#sent) queue.giveUp(this.#sent, error.message);
      });
      this.pump();
    }
    await connection[Symbol.asyncDispose]();
  }

  /** While there is nothing to write, an empty group shows that the database keeps what it is given. */
  async #comeBack(): Promise<void> {
    const connection = await this.#connected();
    if (!connection) return;
    try {
      await this.#commits.find(connection, randomUUID());
      this.#wentWell();
    } catch (error) {
      if (!this.#isAway && !['unknown', 'standby'].includes(meaningOf(error))) return this.#refusing.begin();
      await this.#lose(error as Error, connection);
      await this.#house.clock.sleep(backOff(3), this.#closing.signal);
    }
  }

  #wentWell(): void {
    this.#refusing.end();
    if (!this.#isAway) return;
    this.#stopPatience?.();
    this.#isAway = false;
    this.#house.log.info({}, 'The database is back');
    this.#house.queue.comeBack();
  }

  /** Waits until everything is written, at most until the signal aborts. */
  async close(signal: AbortSignal): Promise<void> {
    if (this.#isAway) this.#closing.abort();
    signal.addEventListener('abort', () => this.#closing.abort(), {once: true});
    await this.#working;
    this.#closing.abort();
    this.#stopPatience?.();
    this.#refusing.end();
    await this.#connection?.[Symbol.asyncDispose]();
  }
}
