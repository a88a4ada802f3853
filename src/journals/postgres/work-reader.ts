import type {Census, UsedKey, WorkQuery, WorkState} from '../../work.ts';
import {type Rest, stateOfRow, statuses, type WorkRow} from '../work-row.ts';
import type {Ask} from './reader.ts';

/** A row of table `work`. */
export interface Row extends WorkRow {
  readonly changes: number;
  readonly item: Rest;
}

export const stateOf = (row: Row): WorkState => stateOfRow(row, row.item);

/** As many of the due are counted. */
const mostCounted = 100_000;

/** Reads work. */
export class WorkReader {
  readonly #schema: string;
  readonly #ask: Ask;

  constructor(schema: string, ask: Ask) {
    this.#schema = schema;
    this.#ask = ask;
  }

  /** What may start now, the longest due first. */
  due(now: number, most: number): Promise<readonly Row[]> {
    return this.#rows('work-due', 'status = 0 AND due <= $1 ORDER BY due, seq LIMIT $2', [now, most]);
  }

  async find(id: string): Promise<WorkState | undefined> {
    const [row] = await this.#rows('work-find', 'id = $1', [id]);
    return row && stateOf(row);
  }

  async list({status, after, limit, orderingKey}: WorkQuery): Promise<WorkState[]> {
    const values: unknown[] = [after ?? '', limit];
    const conditions = ['id > $1'];
    const must = (column: string, value: unknown) => conditions.push(`${column} = $${values.push(value)}`);
    if (status !== undefined) must('status', statuses.indexOf(status));
    if (orderingKey !== undefined) must('ordering', orderingKey);
    const where = conditions.join(' AND ');
    const rows = await this.#rows(`work-list ${where}`, `${where} ORDER BY id LIMIT $2`, values);
    return rows.map(stateOf);
  }

  /** Every item in the order in which they were accepted, as far as they were there at its turn. */
  async *all(): AsyncIterable<WorkState> {
    for (let after = 0; ; ) {
      const rows = await this.#rows('work-all', 'seq > $1 ORDER BY seq LIMIT 500', [after]);
      for (const row of rows) yield stateOf(row);
      const last = rows.at(-1);
      if (!last) return;
      after = last.seq;
    }
  }

  /** Every key that counts at a time. */
  async *keys(now: number): AsyncIterable<UsedKey> {
    const text = `SELECT * FROM ${this.#schema}.work_key WHERE scope > $1 AND until > $2 ORDER BY scope LIMIT 500`;
    for (let after: unknown = ''; after !== undefined; ) {
      const rows = await this.#ask({name: 'work-keys', text}, [after, now]);
      for (const row of rows) yield {...(row as unknown as UsedKey), until: Number(row.until)}; // the columns of the table
      after = rows.at(-1)?.scope;
    }
  }

  /** The newest commit has the numbers, so that nothing is counted but what is due. */
  async census(now: number): Promise<Census> {
    const text = `SELECT waiting, behind, running, dead,
      (SELECT count(*) FROM (SELECT FROM ${this.#schema}.work WHERE status = 0 AND due <= $1 LIMIT ${mostCounted}) d) AS due,
      (SELECT accepted FROM ${this.#schema}.work WHERE status < 3 ORDER BY accepted LIMIT 1) AS oldest,
      (SELECT due FROM ${this.#schema}.work WHERE status = 0 ORDER BY due LIMIT 1) AS next
      FROM ${this.#schema}.append ORDER BY number DESC LIMIT 1`;
    const [row] = await this.#ask({name: 'work-census', text}, [now]);
    const {waiting, due, behind, running, dead, oldest, next} = row as Record<keyof Census, number | null>; // the columns above
    return {
      waiting: waiting ?? 0,
      due: due ?? 0,
      behind: behind ?? 0,
      running: running ?? 0,
      dead: dead ?? 0,
      oldest: oldest ?? undefined,
      next: next ?? undefined,
    };
  }

  async nextDue(): Promise<number | undefined> {
    const text = `SELECT due FROM ${this.#schema}.work WHERE status = 0 ORDER BY due LIMIT 1`;
    const [row] = await this.#ask({name: 'work-next', text}, []);
    return row && Number(row.due);
  }

  async #rows(name: string, where: string, values: readonly unknown[]): Promise<readonly Row[]> {
    const rows = await this.#ask({name, text: `SELECT * FROM ${this.#schema}.work WHERE ${where}`}, values);
    return rows as unknown as readonly Row[]; // the columns of the table
  }
}
