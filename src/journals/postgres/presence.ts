import {randomUUID} from 'node:crypto';
import type {Clock} from '../../clock.ts';
import type {Cores} from '../../journal.ts';
import type {Log} from '../../log.ts';
import {backOff} from '../back-off.ts';
import {channels, type Heard} from './channels.ts';
import {Connection, type Row} from './connection.ts';
import type {PostgresPlace} from './place.ts';
import type {Ask} from './reader.ts';

/** How long a core that gives no sign of life counts as living, by the server's clock. */
const leaseMs = 10_000;
/** How often it gives one. */
const beatMs = leaseMs / 4;
/** How often followers ask, as a notification may have been lost. */
const pollMs = 1000;

export interface PresenceHouse {
  readonly clock: Clock;
  readonly log: Log;
  /** This boot of this core, as its claims name it; undefined for a command. */
  readonly core: string | undefined;
  readonly ask: Ask;
  /** Somebody has told the cores something. @param id of the item of work that it is about, if it is about one */
  heard(what: Heard, id: string): void;
  /** Others took this core for dead: what it had claimed as `holder` is not its own any more. */
  lost(holder: string): void;
}

/**
What this core has to do with the others on a connection of its own: it gives signs of life, ends the claims of those that
give none, and hears that others have written something. Nothing depends on hearing that.
*/
export class Presence implements Cores {
  readonly leaseMs = leaseMs;
  readonly #place: PostgresPlace;
  readonly #house: PresenceHouse;
  readonly #closing = new AbortController();
  #connection: Connection | undefined;
  #holder: string = randomUUID();
  /** How many cores live, and how many of them come before this one. */
  #standing = {living: 1, rank: 0};
  #followers = 0;
  /** Others are not taken for dead before, as they may be coming back, too. On the monotonic clock. */
  #trustsAt = 0;
  /** When the last sign of life was given, on the same clock. */
  #beatAt = 0;
  #beating: Promise<void> = Promise.resolve();
  #stopPolling: (() => void) | undefined;

  constructor(place: PostgresPlace, house: PresenceHouse) {
    this.#place = place;
    this.#house = house;
  }

  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** The name of this core's claims of work. */
  get holder(): string {
    return this.#holder;
  }

  get standing(): {readonly living: number; readonly rank: number} {
    return this.#standing;
  }

  /** @throws Error when the database cannot be reached */
  async open(): Promise<void> {
    await this.#connect();
    if (this.#house.core !== undefined) await this.#enter();
    this.#beatAt = this.#house.clock.monotonic();
    this.#trustsAt = this.#beatAt + leaseMs;
    this.#beating = this.#beatOn();
  }

  /** One that has left, or was taken for dead, has no row. */
  async isAlive(core: string): Promise<boolean> {
    const lives = 'bool_or(until > extract(epoch FROM clock_timestamp()) * 1000) AS lives';
    const text = `SELECT ${lives} FROM ${this.#place.schema}.core WHERE name = $1 GROUP BY name`;
    const [row] = await this.#house.ask({name: 'is-alive', text}, [core]);
    return row !== undefined && (row.lives === true || this.#house.clock.monotonic() < this.#trustsAt);
  }

  /** Hears of new facts from now on. @returns the end of that */
  follow(): () => void {
    if (this.#followers++ === 0) {
      this.#listen('LISTEN');
      this.#poll();
    }
    return () => {
      if (--this.#followers > 0) return;
      this.#stopPolling?.();
      this.#listen('UNLISTEN');
    };
  }

  #poll(): void {
    this.#stopPolling = this.#house.clock.after(pollMs, () => {
      this.#house.heard('facts', '');
      this.#poll();
    });
  }

  #listen(verb: 'LISTEN' | 'UNLISTEN'): void {
    this.#connection?.run(`${verb} ${channels(this.#place.schema).facts}`).catch(() => {}); // then polling has to do
  }

  async #beatOn(): Promise<void> {
    const {clock, log} = this.#house;
    const {signal} = this.#closing;
    for (let failures = 0; await clock.sleep(failures > 0 ? backOff(failures) : beatMs, signal); ) {
      try {
        if (!this.#connection) await this.#reconnect();
        if (this.#house.core !== undefined) await this.#beat();
        failures = 0;
      } catch (error) {
        if (failures++ === 0) log.debug({cause: (error as Error).message}, 'No sign of life could be given');
      }
    }
  }

  async #beat(): Promise<void> {
    const {clock, log, lost} = this.#house;
    const row = await this.#ask('live', 'SELECT * FROM', [this.#holder, leaseMs]);
    const {
      o_lives: lives,
      o_gone: gone,
      o_living: living,
      o_rank: rank,
    } = row as {
      o_lives: boolean;
      o_gone: string[] | null;
      o_living: number;
      o_rank: number;
    }; // the columns of the function
    this.#standing = {living: Math.max(1, living), rank};
    if (!lives) {
      const before = this.#holder;
      this.#holder = randomUUID();
      await this.#enter();
      lost(before);
    }
    const now = clock.monotonic();
    // Where this core was held up, the others may have been, too.
    if (now - this.#beatAt > 2 * beatMs) this.#trustsAt = now + leaseMs;
    this.#beatAt = now;
    if (gone !== null && now >= this.#trustsAt) {
      const {leave: freed} = await this.#ask('leave', 'SELECT', [gone, true], ' AS leave');
      log.warn({cores: gone.length, items: Number(freed)}, 'Another core gave no sign of life for too long: what it ran is due again');
    }
  }

  async #enter(): Promise<void> {
    await this.#ask('enter', 'SELECT', [this.#holder, this.#house.core, leaseMs]);
  }

  async #ask(name: 'live' | 'enter' | 'leave', select: string, values: unknown[], as = ''): Promise<Row> {
    if (!this.#connection) throw new Error('it is not connected');
    const text = `${select} ${this.#place.schema}.${name}_1(${values.map((_, index) => `$${index + 1}`)})${as}`;
    const {rows} = await this.#connection.ask({name, text}, values);
    return rows[0] ?? {};
  }

  async #reconnect(): Promise<void> {
    await this.#connect();
    this.#trustsAt = this.#house.clock.monotonic() + leaseMs;
    if (this.#followers > 0) this.#listen('LISTEN');
    this.#house.heard('facts', '');
    this.#house.heard('work', '');
  }

  async #connect(): Promise<void> {
    const names = Object.entries(channels(this.#place.schema)) as [Heard, string][]; // its own members
    const connection: Connection = await Connection.open(this.#place.url, 'presence', {
      clock: this.#house.clock,
      ended: () => {
        if (this.#connection === connection) this.#connection = undefined;
      },
      notified: (channel, payload) => {
        for (const [what, name] of names) if (name === channel) this.#house.heard(what, payload);
      },
    });
    const wanted = names.filter(([what]) => what !== 'facts' && this.#house.core !== undefined);
    if (wanted.length > 0) await connection.run(wanted.map(([, name]) => `LISTEN ${name}`).join('; '));
    this.#connection = connection;
  }

  /** What this core still holds is due at once. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#stopPolling?.();
    await this.#beating;
    if (this.#house.core !== undefined) await this.#ask('leave', 'SELECT', [[this.#holder], false]).catch(() => {}); // the lease will end
    await this.#connection?.[Symbol.asyncDispose]();
  }
}
