import type {JournalReader} from '../journal.ts';

const prefix = 'invocation.';
/** More are not counted: the part that was given is too short then. */
export const mostFound = 100;

/**
The ids that begin or end with a part of an id, the newest last. An id itself is found without reading the whole journal.

@returns at most the newest `mostFound`
*/
export async function findInvocations(journal: JournalReader, part: string): Promise<string[]> {
  if (await journal.last(prefix + part)) return [part];
  const found = new Set<string>();
  for await (const {stream} of journal.scan(prefix)) {
    const id = stream.slice(prefix.length);
    if (!id.startsWith(part) && !id.endsWith(part)) continue;
    found.delete(id); // so that it is the newest when it is added
    found.add(id);
    if (found.size > mostFound) for (const oldest of found) if (found.delete(oldest)) break;
  }
  return [...found];
}
