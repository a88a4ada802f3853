import type {Client, QueryConfig, QueryResult} from 'pg';
import type {Clock} from '../../clock.ts';
import {late} from '../../late.ts';
import {isUnreachable} from '../unreachable.ts';

/** How long a connection may take to be made. */
const connectMs = 5000;
/** How long the server may work on a statement; how long it may wait for a lock. After both it says so, and nothing was written. */
const statementMs = 10_000;
const lockMs = 8000;
/** How long an answer may take. Later than the server's own limit: then the server, or the way to it, is gone. */
const answerMs = 15_000;

export interface ConnectionHouse {
  readonly clock: Pick<Clock, 'after'>;
  /** Called once, when the connection has ended by itself. */
  ended?(cause: Error): void;
  /** Called when somebody has notified a channel that this connection listens to. */
  notified?(channel: string, payload: string): void;
}

/** A statement that is prepared once for each connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

export type Row = Record<string, unknown>;

/** One connection to PostgreSQL. */
export class Connection implements AsyncDisposable {
  readonly #client: Client;
  readonly #house: ConnectionHouse;
  /** Warnings of the server since the last question. */
  #warnings: string[] = [];
  /** The question before: one is asked at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  #isOpen = false;
  #isEnded = false;

  /**
  @param purpose what the server's list of connections calls it
  @throws Error of the network, or of the server
  */
  static async open(url: string, purpose: string, house: ConnectionHouse): Promise<Connection> {
    const {Client, types} = late('pg') as typeof import('pg');
    const bigint = 20;
    const client = new Client({
      connectionString: url,
      application_name: `core-runtime ${purpose}`,
      connectionTimeoutMillis: connectMs,
      statement_timeout: statementMs,
      lock_timeout: lockMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      types: {
        getTypeParser: (type: number, format?: 'text') => (type === bigint ? Number : types.getTypeParser(type, format)),
      } as typeof types,
    });
    const connection = new Connection(client, house);
    try {
      await client.connect();
      // Each query of ours is a few steps in an index, also where the server knows nothing about the tables yet.
      await client.query('SET jit = off; SET enable_seqscan = off');
      connection.#isOpen = true;
      return connection;
    } catch (error) {
      connection.#end(error as Error);
      throw error;
    }
  }

  private constructor(client: Client, house: ConnectionHouse) {
    this.#client = client;
    this.#house = house;
    client.on('error', error => this.#end(error));
    client.on('end', () => this.#end(new Error('the connection has ended')));
    client.on('notice', ({severity = '', message = ''}) => {
      if (severity === 'WARNING') this.#warnings.push(message);
    });
    client.on('notification', ({channel, payload = ''}) => house.notified?.(channel, payload));
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** @returns the rows, and the warnings that came with them @throws Error of the server, or of the connection, which then has ended */
  async ask(statement: Statement, values: readonly unknown[] = []): Promise<{rows: Row[]; warnings: readonly string[]}> {
    const asked = {...statement, values: [...values]} satisfies QueryConfig;
    const {rows} = await this.#inTurn(() => this.#client.query(asked));
    return {rows, warnings: this.#warnings.splice(0)};
  }

  /** Several statements, one after the other, in one transaction if they do not say otherwise. */
  async run(text: string): Promise<void> {
    await this.#inTurn(() => this.#client.query(text));
  }

  #inTurn(query: () => Promise<QueryResult>): Promise<QueryResult> {
    const answer = this.#turn.then(() => this.#limited(query()));
    this.#turn = answer.catch(() => {});
    return answer;
  }

  async #limited(answer: Promise<QueryResult>): Promise<QueryResult> {
    const stopTimer = this.#house.clock.after(answerMs, () => this.#end(new Error(`the database did not answer in ${answerMs} ms`)));
    try {
      return await answer;
    } finally {
      stopTimer();
    }
  }

  #end(cause: Error): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    void this.#client.end().catch(() => {}); // fails what was asked
    if (this.#isOpen) this.#house.ended?.(cause);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    await this.#client.end().catch(() => {});
  }
}

/** The code of an error of the server, such as `40001`; undefined for any other error. @see PostgreSQL, appendix A */
export function sqlState(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^[0-9A-Z]{5}$/.test(code) && 'severity' in (error as Error) ? code : undefined;
}

/** As the client, or this file, says that a connection could not be made in time, or broke. */
const broken = /^(timeout expired|Connection terminated|the connection has ended|the database did not answer)/;

/**
True when the database is not there now: no server answers, it starts or stops, it has no connection left, or others hold its
locks. What it refuses a user, a schema or a setting for is none of that. Pure.
*/
export function isAway(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return /^(08|57P|53300|55P03|57014)/.test(state);
  return isUnreachable(error) || (error instanceof Error && broken.test(error.message));
}
