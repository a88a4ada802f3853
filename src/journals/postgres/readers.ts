import type {Clock} from '../../clock.ts';
import {failed} from './answers.ts';
import {Connection, type Row, type Statement, sqlState} from './connection.ts';

/** Most connections that read at the same time. */
const most = 4;
/** Most questions that wait for one of them. */
const mostWaiting = 10_000;
/** How long one waits. */
const turnMs = 10_000;

/** The connections that read. They are opened as they are needed. */
export class Readers implements AsyncDisposable {
  readonly #url: string;
  readonly #clock: Pick<Clock, 'after'>;
  readonly #failure: (why: string) => Error;
  readonly #idle: Connection[] = [];
  readonly #waiting: PromiseWithResolvers<Connection | undefined>[] = [];
  #open = 0;
  #isClosed = false;

  /** @param failure what is thrown when a question is not answered */
  constructor(url: string, clock: Pick<Clock, 'after'>, failure: (why: string) => Error = failed) {
    this.#url = url;
    this.#clock = clock;
    this.#failure = failure;
  }

  /** @throws the failure */
  ask = async (statement: Statement, values: readonly unknown[]): Promise<readonly Row[]> => {
    // A connection that was idle may be gone: then another one is asked.
    for (let time = 0; ; time++) {
      let connection: Connection | undefined;
      try {
        connection = await this.#take();
        return (await connection.ask(statement, values)).rows;
      } catch (error) {
        if (connection && !isOfServer(error) && !connection.isEnded) {
          await connection[Symbol.asyncDispose]();
          this.#forget();
        }
        if (!connection || isOfServer(error) || time === 1) throw this.#failure((error as Error).message);
      } finally {
        if (connection) this.#give(connection);
      }
    }
  };

  async #take(): Promise<Connection> {
    if (this.#isClosed) throw new Error('it is closed');
    const idle = this.#idle.pop();
    if (idle) return idle;
    if (this.#open >= most) {
      if (this.#waiting.length >= mostWaiting) throw new Error('too many questions wait for the database');
      return (await this.#turn()) ?? this.#take();
    }
    this.#open++;
    try {
      return await Connection.open(this.#url, 'reader', {clock: this.#clock, ended: () => this.#forget()});
    } catch (error) {
      this.#open--;
      this.#waiting.shift()?.resolve(undefined);
      throw error;
    }
  }

  /** @returns undefined when a new connection may be opened */
  async #turn(): Promise<Connection | undefined> {
    const turn = Promise.withResolvers<Connection | undefined>();
    this.#waiting.push(turn);
    const stopTimer = this.#clock.after(turnMs, () => {
      this.#waiting.splice(this.#waiting.indexOf(turn), 1);
      turn.reject(new Error('too many questions wait for the database'));
    });
    return turn.promise.finally(stopTimer);
  }

  #give(connection: Connection): void {
    if (connection.isEnded) return void this.#waiting.shift()?.resolve(undefined);
    if (this.#isClosed) return void connection[Symbol.asyncDispose]();
    const next = this.#waiting.shift();
    if (next) next.resolve(connection);
    else this.#idle.push(connection);
  }

  #forget(): void {
    this.#open--;
    for (const [index, {isEnded}] of [...this.#idle.entries()].reverse()) if (isEnded) this.#idle.splice(index, 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const turn of this.#waiting.splice(0)) turn.reject(new Error('it is closed'));
    await Promise.all(this.#idle.splice(0).map(connection => connection[Symbol.asyncDispose]()));
  }
}

/** The server has answered, and the connection is as good as before. */
const isOfServer = (error: unknown) => !/^(08|57P)|^$/.test(sqlState(error) ?? '');
