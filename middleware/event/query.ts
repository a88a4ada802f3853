/** Query maps of an event as JSON text. */
export interface WrittenQuery {
  /** The last value of each key. */
  readonly single: string;
  readonly multi: string;
}

const empty: WrittenQuery = {single: '{}', multi: '{}'};

/** How many keys a query has at most. */
export function keysIn(query: string): number {
  if (query === '') return 0;
  let keys = 1;
  for (let at = query.indexOf('&'); at !== -1; at = query.indexOf('&', at + 1)) keys++;
  return keys;
}

/** @param query without the question mark; `+` is a space, a malformed escape stands for itself */
export function writeQuery(query: string): WrittenQuery {
  if (query === '') return empty;
  const values = new Map<string, string[]>();
  // It drops a question mark at the start: with one of its own, none of the caller's is lost.
  for (const [key, value] of new URLSearchParams(`?${query}`)) {
    const known = values.get(key);
    if (known) known.push(value);
    else values.set(key, [value]);
  }
  let single = '';
  let multi = '';
  for (const [key, list] of values) {
    const comma = single === '' ? '' : ',';
    const name = JSON.stringify(key);
    single += `${comma}${name}:${JSON.stringify(list.at(-1))}`;
    multi += `${comma}${name}:${JSON.stringify(list)}`;
  }
  return {single: `{${single}}`, multi: `{${multi}}`};
}
