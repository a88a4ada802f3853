import type {DatabaseSync} from 'node:sqlite';
import type {Census, UsedKey, WorkQuery, WorkState} from '../../work.ts';
import {code} from '../work-row.ts';
import {byDue, type Row, stateOf} from './work-rows.ts';

/** Reads work, over any connection. A journal that never kept any has no table of it. */
export class WorkReader {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  find(id: string): WorkState | undefined {
    const row = this.#db.prepare('SELECT * FROM work WHERE id = ?').get(id);
    return row && stateOf(row as unknown as Row);
  }

  list({status, after, limit, orderingKey}: WorkQuery): WorkState[] {
    const conditions: [string, string | number][] = [['id > ?', after ?? '']];
    // A key has few items, a status may have a million: the + keeps SQLite from the index of statuses.
    if (status !== undefined) conditions.push([orderingKey === undefined ? 'status = ?' : '+status = ?', code[status]]);
    if (orderingKey !== undefined) conditions.push(['ordering = ?', orderingKey]);
    const where = conditions.map(([condition]) => condition).join(' AND ');
    const values = conditions.map(([, value]) => value);
    const rows = this.#db.prepare(`SELECT * FROM work WHERE ${where} ORDER BY id LIMIT ?`).all(...values, limit);
    return rows.map(row => stateOf(row as unknown as Row));
  }

  /** Every item in the order in which they were accepted, as far as they were there at its turn. */
  *all(): Generator<WorkState> {
    if (!this.#db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'work'").get()) return;
    const page = this.#db.prepare('SELECT * FROM work WHERE seq > ? ORDER BY seq LIMIT 500');
    for (let after = 0; ; ) {
      const rows = page.all(after) as unknown as Row[]; // the table's columns
      for (const row of rows) yield stateOf(row);
      const last = rows.at(-1);
      if (!last) return;
      after = last.seq;
    }
  }

  /** Every key that counts at a time. */
  *keys(now: number): Generator<UsedKey> {
    if (!this.#db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'work_key'").get()) return;
    const page = this.#db.prepare(
      'SELECT scope, fingerprint, id, until FROM work_key WHERE scope > ? AND until > ? ORDER BY scope LIMIT 500',
    );
    for (let after: string | undefined = ''; after !== undefined; ) {
      const keys = page.all(after, now) as unknown as UsedKey[]; // the table's columns
      yield* keys;
      after = keys.at(-1)?.scope;
    }
  }

  census(now: number): Census {
    const counts = new Map(this.#rows('SELECT status, n FROM work_count').map(({status, n}) => [status, Number(n)]));
    const count = (status: number) => counts.get(status) ?? 0;
    const due = `SELECT count(*) AS n FROM (SELECT 1 FROM work ${byDue} AND due <= ? LIMIT ${mostCounted})`;
    const oldest = this.#rows('SELECT min(accepted) AS at FROM work WHERE status < 3')[0]?.at;
    return {
      waiting: count(code.waiting),
      due: Number(this.#rows(due, now)[0]?.n),
      behind: count(code.behind),
      running: count(code.running),
      dead: count(code.dead),
      oldest: typeof oldest === 'number' ? oldest : undefined,
      next: this.nextDue(),
    };
  }

  nextDue(): number | undefined {
    const due = this.#rows(`SELECT due FROM work ${byDue} ORDER BY due LIMIT 1`)[0]?.due;
    return typeof due === 'number' ? due : undefined;
  }

  #rows(sql: string, ...values: number[]) {
    return this.#db.prepare(sql).all(...values);
  }
}

/** As many of the due are counted. */
const mostCounted = 100_000;
