import type {JournalReader} from '../journal.ts';
import {readRequest} from '../journals/payload.ts';
import type {InvocationView} from './invocations.ts';

/** An invocation, and what was asked, as far as it is kept. */
export type AskedView = InvocationView & {readonly method?: string; readonly path?: string; readonly query?: string};

/** Of a larger request only the facts are shown in a list, as it would have to be read whole. */
const mostBytes = 64 * 2 ** 10;

/** Adds method, path and query to each invocation whose request is kept. */
export async function withRequests(journal: JournalReader, views: readonly InvocationView[]): Promise<AskedView[]> {
  const asked: AskedView[] = [];
  for (const view of views) asked.push(await withRequest(journal, view));
  return asked;
}

async function withRequest(journal: JournalReader, view: InvocationView): Promise<AskedView> {
  if ((view.bytes ?? 0) > mostBytes) return view;
  try {
    const bytes = await journal.payload(`invocation.${view.id}/request`);
    if (!bytes) return view;
    const {method, path, query} = readRequest(bytes);
    return {...view, method, path, query};
  } catch {
    return view; // it is damaged: who opens it learns that
  }
}
