import type {JournalReader, Position, Recorded} from '../journal.ts';
import {evolveInvocation, type InvocationView, prefix} from './invocations.ts';

export interface InvocationFilter {
  /** Only those with this status. */
  readonly status?: string | undefined;
  /** Only those from this source, or from one that begins so before a colon: `cron` finds `cron:nightly`. */
  readonly source?: string | undefined;
  /** Only those whose id begins so. */
  readonly id?: string | undefined;
  /** Only those that ended with this code. */
  readonly code?: string | undefined;
  /** Only those that were accepted, or over, after this wall time … */
  readonly since: number;
  /** … and up to the current one. */
  readonly now: number;
  /** Only this many, the newest. */
  readonly limit: number;
}

/** Where a list goes on: before the newest fact of its last row. */
export interface Cursor {
  readonly position: Position;
  /** Wall time of that fact. */
  readonly at: number;
}

export interface InvocationPage {
  /** Newest first. */
  readonly invocations: readonly InvocationView[];
  /** Where each row stands, in the order of the rows. */
  readonly cursors: readonly Cursor[];
  /** True when older ones may fit, too. */
  readonly hasMore: boolean;
}

/** How far the first look goes back, and how many times farther each next one: callers mostly want the newest. */
const firstLookMs = 1000;
const fartherBy = 10;

/** Newest first. The list is made from the facts each time, so it costs nothing while nobody asks. */
export async function listInvocations(journal: JournalReader, filter: InvocationFilter): Promise<readonly InvocationView[]> {
  return (await pageInvocations(journal, filter)).invocations;
}

/** @param before only invocations whose newest fact stands before it */
export async function pageInvocations(journal: JournalReader, filter: InvocationFilter, before?: Cursor): Promise<InvocationPage> {
  const {since, limit} = filter;
  const until = before?.at ?? filter.now;
  let start: Position | undefined;
  let from = Math.max(since, until - firstLookMs);
  for (let backMs = firstLookMs; ; ) {
    const found = await rowsSince(journal, from, filter, before);
    if (found.length < limit && from > since) {
      start ??= await journal.before(since);
      backMs *= fartherBy;
      // Where this look began at the oldest fact, the next one is the last.
      from = (await journal.before(from)) <= start ? since : Math.max(since, until - backMs);
      continue;
    }
    const rows = found.slice(-limit).reverse();
    return {
      invocations: rows.map(({view}) => view),
      cursors: rows.map(({cursor}) => cursor),
      hasMore: found.length > limit || (found.length === limit && from > since),
    };
  }
}

interface Row {
  readonly view: InvocationView;
  readonly cursor: Cursor;
}

/** Oldest first. An invocation that was accepted before may be known by its end only. */
async function rowsSince(journal: JournalReader, from: number, filter: InvocationFilter, before?: Cursor): Promise<Row[]> {
  const {limit} = filter;
  const rows = new Map<string, Row>();
  for await (const recorded of journal.scan(prefix, {after: await journal.before(from)})) {
    if (before && recorded.position >= before.position) break;
    if (recorded.at < from) continue;
    const row = evolveRow(rows.get(recorded.stream), recorded);
    if (!row) continue;
    rows.delete(recorded.stream); // so that it is the newest when it is set
    if (row.view.status === 'running' || fits(row.view, filter)) rows.set(recorded.stream, row);
    if (rows.size > 2 * limit + mostRunning) forget(rows, limit);
  }
  const whole: Row[] = [];
  // From the newest on, until there is one more than is wanted: what is older need not be completed.
  for (const row of [...rows.values()].reverse()) {
    const complete = await completed(journal, row, before);
    if (complete && fits(complete.view, filter) && whole.push(complete) > limit) break;
  }
  return whole.reverse();
}

/** @returns undefined when its newest fact stands on a page before this one */
async function completed(journal: JournalReader, row: Row, before: Cursor | undefined): Promise<Row | undefined> {
  const {view} = row;
  // Of one that looks as if it were running, the end may be beyond the cursor.
  if (view.acceptedAt !== undefined && !(before && view.status === 'running')) return row;
  let whole: Row | undefined;
  for await (const recorded of journal.read(prefix + view.id)) whole = evolveRow(whole, recorded);
  if (before && whole && whole.cursor.position >= before.position) return undefined;
  return whole ?? row;
}

function evolveRow(row: Row | undefined, recorded: Recorded): Row | undefined {
  const view = evolveInvocation(row?.view, recorded);
  return view && {view, cursor: {position: recorded.position, at: recorded.at}};
}

/** How many unsettled invocations are remembered at a time; with more, the oldest are forgotten. */
const mostRunning = 10_000;

function forget(rows: Map<string, Row>, limit: number): void {
  let surplus = rows.size - limit - mostRunning;
  for (const key of rows.keys()) {
    if (surplus-- <= 0) return;
    rows.delete(key);
  }
}

/** What is not known yet, such as the source of one that is known by its end only, counts as fitting. */
export function fits(view: InvocationView, {status, source, id, code}: Omit<InvocationFilter, 'since' | 'now' | 'limit'>): boolean {
  if (status !== undefined && view.status !== status) return false;
  if (source !== undefined && view.source !== undefined && view.source !== source && !view.source.startsWith(`${source}:`)) return false;
  if (code !== undefined && view.code !== code) return false;
  return id === undefined || view.id.startsWith(id);
}
