import type {UsedKey} from '../../work.ts';
import type {Applied} from './work-change.ts';

/** Notes the first request of a key. */
export function keepKey(
  run: (sql: string, ...values: (string | number | null)[]) => unknown,
  {scope, fingerprint, id, until}: UsedKey,
  now: number,
): Applied {
  // A few each time, so that keys do not pile up and no call waits for many.
  run('DELETE FROM work_key WHERE scope IN (SELECT scope FROM work_key WHERE until <= ? ORDER BY until LIMIT 8)', now);
  run('INSERT OR REPLACE INTO work_key VALUES(?, ?, ?, ?)', scope, fingerprint, id, until);
  return {facts: []};
}
