import {defaultJournal} from '../journals/default.ts';
import type {JournalWish} from '../journals/open.ts';
import {dataDirOf} from '../settings/config.ts';
import type {Wanted} from './wanted.ts';

/** Which journal a core wants, and how much it keeps. */
export function journalWish({env, config, spec, needsJournal: mustLast}: Wanted): JournalWish {
  const {journal: location, factsKeptMs, payloadsKeptMs, timeoutMs, journalBytes: maxBytes} = config;
  const dataDir = dataDirOf(config, env);
  const fallback = dataDir === undefined ? undefined : defaultJournal(dataDir, spec);
  // Age counts from the first fact of an invocation, and its last fact may be this much later.
  const retention = {factsMs: factsKeptMs + timeoutMs, payloadsMs: payloadsKeptMs + timeoutMs, maxBytes};
  const access = {credentials: config.journalCredentials, synced: config.journalSynced};
  return {location, fallback, mustLast, retention, access};
}
