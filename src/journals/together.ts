import {mostAtOnce, type StreamAppend} from '../journal.ts';

/**
Refuses what no engine keeps in one piece.

@throws RangeError, TypeError
*/
export function checkTogether(appends: readonly StreamAppend[]): void {
  const facts = appends.reduce((sum, append) => sum + append.facts.length, 0);
  if (facts > mostAtOnce) throw new RangeError(`${facts} facts are appended at once: there may be ${mostAtOnce}`);
  const named = new Set<string>();
  for (const {stream} of appends) {
    if (named.has(stream)) throw new TypeError(`Stream ${stream} is named twice in one append: put its facts together`);
    named.add(stream);
  }
}
