import {appendParameters} from './append-function.ts';
import {type Connection, type Row, type Statement, sqlState} from './connection.ts';
import type {Answer, Group} from './group.ts';

/** Asks the database to keep groups, and whether it has. */
export class Commits {
  readonly #append: Statement;
  readonly #settle: Statement;

  constructor(schema: string) {
    const values = appendParameters.split(/,\s/).map((_, index) => `$${index + 1}`);
    this.#append = {name: 'append', text: `SELECT * FROM ${schema}.append_1(${values})`};
    this.#settle = {name: 'settle', text: `SELECT * FROM ${schema}.settle_1($1)`};
  }

  /** @param now wall time @param holder who claims work @throws NotReplicated, and whatever the connection throws */
  async make(connection: Connection, group: Group, now: number, holder: string): Promise<Answer> {
    const {rows, warnings} = await connection.ask(this.#append, group.values(now, holder));
    return kept(rows, warnings);
  }

  /** @returns undefined when the group was not kept, and will not be @throws as `make` */
  async find(connection: Connection, id: string): Promise<Answer | undefined> {
    const {rows, warnings} = await connection.ask(this.#settle, [id]);
    const found = kept(rows, warnings);
    return rows[0]?.o_kept === true ? found : undefined;
  }
}

/** The server gave up its wait for a standby, and called that a success. */
export class NotReplicated extends Error {}

/** @throws NotReplicated */
function kept([row]: Row[], [warning]: readonly string[]): Answer {
  if (warning !== undefined) throw new NotReplicated(warning);
  const {o_first: first, o_replicated: isReplicated, o_outcome: outcome} = row ?? {};
  return {first: Number(first), isReplicated: isReplicated === true, outcome: outcome as Answer['outcome']};
}

/**
What an error says about a group. `unknown`: the connection broke, or the server stops, and the group may have been kept;
`standby`: the server cannot be written any more, and has written nothing; `one`: one of the commands cannot be written;
`again`: two changes were in each other's way, and this one may be made again; `refused`: nothing was written.
*/
export function meaningOf(error: unknown): 'unknown' | 'standby' | 'one' | 'again' | 'refused' {
  const state = sqlState(error);
  if (state === undefined || /^(08|57P)/.test(state)) return 'unknown';
  if (state === '25006') return 'standby';
  if (/^40/.test(state)) return 'again';
  return /^(22|23|54|XX)/.test(state) ? 'one' : 'refused';
}
