import type {DatabaseSync, StatementSync} from 'node:sqlite';
import {beginAttempt} from '../../work/begin-attempt.ts';
import type {Claimed, WorkState} from '../../work.ts';
import {code, lost, type Rest, statuses} from '../work-row.ts';
import {HeldClaims} from './held-claims.ts';
import type {Outcome} from './messages.ts';
import {preparing} from './prepared.ts';
import type {Applied, WorkChange} from './work-change.ts';
import {WorkClock} from './work-clock.ts';
import {keepKey} from './work-keys.ts';
import {restoredColumns, restoredValues} from './work-restored.ts';
import {byDue, type Row, stateOf} from './work-rows.ts';

/** Changes work, inside a transaction of its caller. A change that is refused has written nothing. */
export class WorkTable {
  readonly #prepared: (sql: string) => StatementSync;
  /** Items that are not dead letters. */
  #alive: number;
  readonly #held: HeldClaims;
  readonly #clock: WorkClock;

  constructor(db: DatabaseSync, held = new HeldClaims()) {
    this.#prepared = preparing(db);
    this.#held = held;
    this.#clock = new WorkClock(db);
    this.#alive = Number(this.#get('SELECT sum(n) AS n FROM work_count WHERE status < 3')?.n);
  }

  apply(change: WorkChange, now: number): Applied | {readonly refusal: Outcome} {
    this.#clock.look(now);
    switch (change.kind) {
      case 'enqueue':
        return this.#enqueue(change, now);
      case 'claim':
        return this.#claim(change, now);
      case 'settle':
      case 'retry':
        return this.#end(change, now);
      case 'cancel':
        return this.#cancel(change.id);
      case 'redrive':
        return this.#redrive(change);
      case 'drop':
        return this.#drop(change.id);
      case 'restore':
        return this.#restore(change.state);
      case 'restore-key':
        return this.#known(change.key.scope, now) ? {refusal: {was: undefined}} : keepKey(this.#run, change.key, now);
    }
  }

  #enqueue({item, key, claims, most}: Extract<WorkChange, {kind: 'enqueue'}>, now: number): Applied | {refusal: Outcome} {
    const taken = this.#find(item.id);
    if (taken) return {refusal: {conflict: taken.seq, stream: `invocation.${item.id}`}}; // found here, as the stream of an invocation is costly to look for
    const known = key && this.#known(key.scope, now);
    if (known) return {refusal: {known: {id: String(known.id), fingerprint: String(known.fingerprint)}}};
    if (this.#alive >= most) return {refusal: {full: true}};
    if (key) keepKey(this.#run, {...key, id: item.id}, now);
    const {id, due, acceptedAt, orderingKey, ...rest} = item;
    this.#run(
      'INSERT INTO work(id, status, due, epoch, attempts, deaths, lost, ordering, accepted, item) VALUES(?, ?, ?, 0, 0, 0, 0, ?, ?, ?)',
      id,
      this.#place(orderingKey),
      due,
      orderingKey ?? null,
      acceptedAt,
      JSON.stringify(rest satisfies Rest),
    );
    this.#alive++;
    if (!claims) return {facts: []};
    const row = this.#find(id);
    return row ? this.#begin([row], {attempts: Number.POSITIVE_INFINITY, deaths: Number.POSITIVE_INFINITY}, now) : {facts: []};
  }

  #claim({most, limits}: Extract<WorkChange, {kind: 'claim'}>, now: number): Applied {
    const due = this.#all(`SELECT * FROM work ${byDue} AND due <= ? ORDER BY due, seq LIMIT ?`, now, most);
    return this.#begin(due, limits, now);
  }

  #begin(rows: readonly Row[], limits: Parameters<typeof beginAttempt>[1], now: number): Applied {
    const facts: Applied['facts'][number][] = [];
    const claimed = rows.map((row): Claimed => {
      const epoch = row.epoch + 1;
      const state = stateOf(row);
      const was = {isLost: row.lost === lost.attempt, isEnding: row.lost === lost.end, isUnheard: row.lost === lost.claim};
      const {facts: begun, task, attempts, deaths} = beginAttempt({...state, ...was, epoch}, limits, now);
      for (const fact of begun) facts.push({stream: `invocation.${row.id}`, fact});
      this.#held.begin(row.id, epoch);
      this.#run(
        'UPDATE work SET status = 2, lost = ?, epoch = ?, attempts = ?, deaths = ? WHERE seq = ?',
        task === 'run' || task === 'callback' ? lost.nothing : lost.end,
        epoch,
        attempts,
        deaths,
        row.seq,
      );
      return {...state, status: 'running', epoch, task, attempts, deaths};
    });
    return {facts, claimed};
  }

  #end(change: Extract<WorkChange, {kind: 'settle' | 'retry'}>, now: number): Applied | {refusal: Outcome} {
    const row = this.#find(change.id);
    this.#held.end(change.id, change.epoch);
    if (!row || row.status !== code.running || row.epoch !== change.epoch) return {refusal: {outdated: true}};
    if (change.kind === 'retry') {
      const attempts = row.attempts - (change.isFree ? 1 : 0);
      this.#run(
        'UPDATE work SET status = 0, due = ?, attempts = ?, deaths = ? WHERE seq = ?',
        change.due,
        attempts,
        change.deaths,
        row.seq,
      );
      return {facts: []};
    }
    if (change.freesKey) this.#run('DELETE FROM work_key WHERE id = ?', change.id);
    if (change.dead) {
      const item = JSON.stringify({...(JSON.parse(row.item) as Rest), reason: change.dead});
      this.#run('UPDATE work SET status = 3, lost = 0, dead_at = ?, item = ? WHERE seq = ?', now, item, row.seq);
    } else if (change.posts) this.#post(row, now);
    else this.#run('DELETE FROM work WHERE seq = ?', row.seq);
    this.#left(row);
    return {facts: []};
  }

  /** It goes on as another item would: its reply is to be posted. */
  #post(row: Row, now: number): void {
    const item = JSON.stringify({...(JSON.parse(row.item) as Rest), isCallback: true});
    this.#run('UPDATE work SET status = 0, due = ?, attempts = 0, deaths = 0, ordering = NULL, item = ? WHERE seq = ?', now, item, row.seq);
    this.#alive++;
  }

  #cancel(id: string): Applied | {refusal: Outcome} {
    const row = this.#find(id);
    if (!row || row.status >= code.running || stateOf(row).isCallback)
      return {refusal: {was: row && stateOf(row).isCallback ? undefined : row && statuses[row.status]}};
    this.#run('DELETE FROM work WHERE seq = ?', row.seq);
    this.#left(row);
    return {facts: [], was: statuses[row.status] ?? 'waiting'};
  }

  #redrive({id, due}: Extract<WorkChange, {kind: 'redrive'}>): Applied | {refusal: Outcome} {
    const row = this.#find(id);
    if (row?.status !== code.dead) return {refusal: {was: row && statuses[row.status]}};
    const {reason: _, expires: __, redriven = 0, ...rest} = JSON.parse(row.item) as Rest;
    this.#run(
      'UPDATE work SET status = ?, due = ?, attempts = 0, deaths = 0, dead_at = NULL, item = ? WHERE seq = ?',
      this.#place(row.ordering),
      due,
      JSON.stringify({...rest, redriven: redriven + 1} satisfies Rest),
      row.seq,
    );
    this.#alive++;
    return {facts: [], was: 'dead'};
  }

  #drop(id: string): Applied | {refusal: Outcome} {
    const row = this.#find(id);
    if (row?.status !== code.dead) return {refusal: {was: row && statuses[row.status]}};
    this.#run('DELETE FROM work WHERE seq = ?', row.seq);
    return {facts: [], was: 'dead'};
  }

  #restore(state: WorkState): Applied | {refusal: Outcome} {
    const taken = this.#find(state.id);
    if (taken) return {refusal: {conflict: taken.seq, stream: `invocation.${state.id}`}};
    this.#run(
      `INSERT INTO work(${restoredColumns.join()}) VALUES(${restoredColumns.map(() => '?')})`,
      ...restoredValues(state, this.#place(state.orderingKey)),
    );
    if (state.status !== 'dead') this.#alive++;
    return {facts: []};
  }

  /** An item ended, or is put aside: the next one of its key may start. */
  #left({ordering, status}: Row): void {
    this.#alive--;
    if (ordering === null || status === code.behind) return; // one that was behind held back nothing
    const next = this.#head(ordering);
    if (next !== undefined) this.#run('UPDATE work SET status = 0 WHERE seq = ? AND status = 1', next);
  }

  /** Behind an earlier item of its key, or not. */
  #place = (ordering: string | null = null) => (ordering !== null && this.#head(ordering) !== undefined ? code.behind : code.waiting);

  /** The first item of a key that is not a dead letter. */
  #head(ordering: string): number | undefined {
    const row = this.#get('SELECT seq FROM work WHERE ordering = ? AND status < 3 ORDER BY seq LIMIT 1', ordering);
    return row && Number(row.seq);
  }

  #known = (scope: string, now: number) => this.#get('SELECT id, fingerprint FROM work_key WHERE scope = ? AND until > ?', scope, now);
  #find = (id: string) => this.#get('SELECT * FROM work WHERE id = ?', id) as unknown as Row | undefined; // the table's columns
  #all = (sql: string, ...values: (string | number | null)[]) => this.#prepared(sql).all(...values) as unknown as Row[]; // as above
  #get = (sql: string, ...values: (string | number | null)[]) => this.#prepared(sql).get(...values);
  #run = (sql: string, ...values: (string | number | null)[]) => this.#prepared(sql).run(...values);
}
