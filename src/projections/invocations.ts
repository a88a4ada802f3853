import type {FactTypes} from '../facts.ts';
import type {JournalReader, Recorded} from '../journal.ts';

/** One invocation, as its facts describe it. */
export interface InvocationView {
  readonly id: string;
  /** `running`: no last fact; after a crash it stays so. */
  readonly status: 'running' | FactTypes['invocation.settled']['outcome'];
  readonly source?: string;
  readonly bytes?: number;
  readonly acceptedAt?: number;
  readonly settledAt?: number;
  readonly durationMs?: number;
  readonly waitedMs?: number;
  /** It waited for a process to start. */
  readonly cold?: true;
  /** When the function was called, from the arrival on, and how long the call took. */
  readonly calledAtMs?: number;
  readonly calledMs?: number;
  /** The status of its reply. */
  readonly replyStatus?: number;
  readonly code?: string;
  readonly pid?: number;
  readonly traceparent?: string;
}

/** Every status that an invocation can have. */
export const invocationStatuses: readonly string[] = [
  'running',
  'responded',
  'failed',
  'cancelled',
  'expired',
  'dead-lettered',
] satisfies InvocationView['status'][];

/** How far the list goes back when the caller does not say. */
export const usualSince = '1h';

const prefix = 'invocation.';

/** @returns undefined for a fact that is not about an invocation */
export function evolveInvocation(view: InvocationView | undefined, {stream, at, fact}: Recorded): InvocationView | undefined {
  if (!stream.startsWith(prefix)) return view;
  const known: InvocationView = view ?? {id: stream.slice(prefix.length), status: 'running'};
  switch (fact.type) {
    case 'invocation.accepted': {
      const {source, bytes, traceparent} = fact.data;
      return {...known, source, bytes, acceptedAt: at, ...(traceparent !== undefined && {traceparent})};
    }
    case 'invocation.settled': {
      const {outcome: status, status: replyStatus, dataref: _, ...more} = fact.data;
      return {...known, status, replyStatus, settledAt: at, ...more};
    }
    default:
      return known;
  }
}

export interface InvocationFilter {
  /** Only those with this status. */
  readonly status?: string | undefined;
  /** Only those that were accepted, or over, after this wall time … */
  readonly since: number;
  /** … and up to the current one. */
  readonly now: number;
  /** Only this many, the newest. */
  readonly limit: number;
}

/** How far the first look goes back, and how many times farther each next one: callers mostly want the newest. */
const firstLookMs = 1000;
const fartherBy = 10;

/** Newest first. The list is made from the facts each time, so it costs nothing while nobody asks. */
export async function listInvocations(journal: JournalReader, filter: InvocationFilter): Promise<InvocationView[]> {
  const {since, now, limit} = filter;
  for (let backMs = firstLookMs; ; backMs *= fartherBy) {
    const from = Math.max(since, now - backMs);
    const views = await viewsSince(journal, from, filter);
    if (views.length >= limit || from === since)
      return Promise.all(
        views
          .slice(-limit)
          .reverse()
          .map(view => completed(journal, view)),
      );
  }
}

/** Oldest first. An invocation that was accepted before may be known by its end only. */
async function viewsSince(journal: JournalReader, from: number, {status, limit}: InvocationFilter): Promise<InvocationView[]> {
  const views = new Map<string, InvocationView>();
  for await (const recorded of journal.scan(prefix, {after: await journal.before(from)})) {
    if (recorded.at < from) continue;
    const view = evolveInvocation(views.get(recorded.stream), recorded);
    if (!view) continue;
    views.delete(recorded.stream); // so that it is the newest when it is set
    if (view.status === 'running' || fits(view, status)) views.set(recorded.stream, view);
    if (views.size > 2 * limit + mostRunning) forget(views, limit);
  }
  return [...views.values()].filter(view => fits(view, status));
}

async function completed(journal: JournalReader, view: InvocationView): Promise<InvocationView> {
  if (view.acceptedAt !== undefined) return view;
  let whole: InvocationView | undefined;
  for await (const recorded of journal.read(prefix + view.id)) whole = evolveInvocation(whole, recorded);
  return whole ?? view;
}

/** How many unsettled invocations are remembered at a time; with more, the oldest are forgotten. */
const mostRunning = 10_000;

function forget(views: Map<string, InvocationView>, limit: number): void {
  let surplus = views.size - limit - mostRunning;
  for (const key of views.keys()) {
    if (surplus-- <= 0) return;
    views.delete(key);
  }
}

const fits = (view: InvocationView, status: string | undefined) => status === undefined || view.status === status;
