import type {Clock} from '../../clock.ts';
import type {Log} from '../../log.ts';
import type {Retention} from '../engine.ts';
import type {Row} from './connection.ts';
import type {Ask} from './reader.ts';
import {SweepClock} from './sweep-clock.ts';

/** How often old facts are looked for. */
const sweepMs = 60_000;

export interface SweeperHouse {
  readonly clock: Clock;
  readonly log: Log;
  readonly schema: string;
  readonly ask: Ask;
  /** Payloads were removed. @param early how many of them before their time @param until those from before this time */
  shredded(payloads: number, early: number, until: number): void;
}

/** Removes what is too old, or too much. All cores do it, and the database lets one at a time. */
export class Sweeper implements AsyncDisposable {
  readonly #retention: Retention;
  readonly #house: SweeperHouse;
  readonly #closing = new AbortController();
  readonly #time = new SweepClock();
  #sweeping: Promise<void> = Promise.resolve();
  #sweptAt: number;

  constructor(retention: Retention, house: SweeperHouse) {
    this.#retention = retention;
    this.#house = house;
    this.#sweptAt = house.clock.monotonic();
  }

  get sweptAgoMs(): number {
    return this.#house.clock.monotonic() - this.#sweptAt;
  }

  start(): void {
    this.#sweeping = this.#sweepOn();
  }

  async #sweepOn(): Promise<void> {
    const {clock, log} = this.#house;
    while (await clock.sleep(sweepMs, this.#closing.signal)) {
      try {
        await this.sweep();
        this.#sweptAt = clock.monotonic();
      } catch (error) {
        log.debug({cause: (error as Error).message}, 'Old facts could not be removed');
      }
    }
  }

  /** Removes everything that may go now. */
  async sweep(): Promise<void> {
    const {factsMs, payloadsMs, maxBytes} = this.#retention;
    const {clock, shredded} = this.#house;
    let tidied = await this.#call('tidy', [clock.now()]);
    while (tidied.o_over !== true && (await this.#pause())) tidied = await this.#call('tidy', [clock.now()]);
    const now = this.#time.at(Number(tidied.o_now), Number(tidied.o_newest), clock.monotonic());
    const until = Math.floor(now - payloadsMs);
    const due = await this.#shred(until, Number.MAX_SAFE_INTEGER);
    let tooMuch = Number(tidied.o_bytes) - due.freed - maxBytes;
    const early = tooMuch > 0 ? await this.#shred(Number.MAX_SAFE_INTEGER, tooMuch) : {count: 0, freed: 0};
    if (due.count + early.count > 0) shredded(due.count + early.count, early.count, until);
    const before = Math.floor(now - factsMs);
    const [found] = await this.#house.ask({name: 'before', text: `SELECT ${this.#house.schema}.before_1($1) AS position`}, [before]);
    tooMuch -= early.freed + (await this.#prune(Number(found?.position ?? 0), before, Number.MAX_SAFE_INTEGER));
    if (tooMuch > 0) await this.#prune(Number(tidied.o_last) - 1, Number.MAX_SAFE_INTEGER, tooMuch);
  }

  /** @returns how many payloads are gone, and their bytes */
  async #shred(before: number, bytes: number): Promise<{count: number; freed: number}> {
    let [count, freed] = [0, 0];
    for (let [stored, name]: [unknown, unknown] = [-1, Buffer.alloc(0)]; name !== null && freed < bytes; ) {
      const row = await this.#call('shred', [before, bytes - freed, stored, name]);
      count += Number(row.o_count);
      freed += Number(row.o_freed);
      [stored, name] = [row.o_stored, row.o_name];
      if (!(await this.#pause())) break;
    }
    return {count, freed};
  }

  /** @returns bytes of facts that are gone */
  async #prune(until: number, before: number, bytes: number): Promise<number> {
    let freed = 0;
    for (let after: unknown = 0; after !== null && freed < bytes; ) {
      const row = await this.#call('prune', [after, until, before, bytes - freed]);
      freed += Number(row.o_freed ?? 0);
      after = row.o_next;
      if (!(await this.#pause())) break;
    }
    return freed;
  }

  /** Others get their turn between two steps. @returns false once closed */
  async #pause(): Promise<boolean> {
    await this.#house.clock.turn();
    return !this.#closing.signal.aborted;
  }

  async #call(name: 'tidy' | 'shred' | 'prune', values: readonly unknown[]): Promise<Row> {
    const text = `SELECT * FROM ${this.#house.schema}.${name}_1(${values.map((_, index) => `$${index + 1}`)})`;
    const [row] = await this.#house.ask({name, text}, values);
    return row ?? {};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#sweeping;
  }
}
