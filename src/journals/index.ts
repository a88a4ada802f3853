import {either} from '../either.ts';
import type {Access, JournalEngine} from './engine.ts';
import {memory} from './memory/index.ts';
import {nats} from './nats/index.ts';
import {postgres} from './postgres/index.ts';
import {sqlite} from './sqlite/index.ts';

/** Every engine by its scheme in CORE_JOURNAL, the default first. A new one is a folder and a line here. */
const engines: Readonly<Record<string, JournalEngine>> = {
  sqlite,
  memory,
  nats,
  postgres,
  postgresql: postgres,
};

/** Each once, as an engine may have several schemes. */
const kinds: readonly JournalEngine[] = [...new Set(Object.values(engines))];

/** The engine when the settings name none: a file. */
export const defaultEngine: JournalEngine = sqlite;
/** What replaces a default journal that cannot be opened. */
export const fallbackEngine: JournalEngine = memory;

/**
Starts what the engine of a core's journal takes long to start, before the settings are read.

@param location the raw value of CORE_JOURNAL. What cannot be read is refused later, with all other settings
*/
export async function prepareEngine(location: string | undefined): Promise<void> {
  await (readPlace(location ?? '')?.engine ?? defaultEngine).prepare?.();
}

/** Ends what other engines prepared. */
export async function dismissOthers(engine: JournalEngine): Promise<void> {
  await Promise.all(kinds.map(other => (other === engine ? undefined : other.dismiss?.())));
}

/** Where a journal is. */
export interface JournalPlace {
  readonly engine: JournalEngine;
  readonly place: string;
}

/** Reads a value of CORE_JOURNAL; undefined when it names no journal. */
export function readPlace(location: string, access: Access = {}): JournalPlace | undefined {
  const colon = location.indexOf(':');
  const scheme = location.slice(0, colon);
  const engine = Object.hasOwn(engines, scheme) ? engines[scheme] : undefined;
  const place = engine?.placeOf(location.slice(colon + 1));
  return engine && place !== undefined ? {engine, place: engine.placeWith?.(place, access) ?? place} : undefined;
}

/** As CORE_JOURNAL would name it, without a password. */
export function locationOf({engine, place}: JournalPlace): string {
  const [scheme = ''] = Object.entries(engines).find(([, {form}]) => form === engine.form) ?? [];
  return `${scheme}:${engine.shown?.(place) ?? place}`;
}

/** How messages of commands name a journal: a file by its path, any other as CORE_JOURNAL would. */
export const nameOf = (journal: JournalPlace): string => (journal.engine.shown ? locationOf(journal) : journal.place);

/** What CORE_JOURNAL may be, for messages: `sqlite:<path> or memory:` with two engines. */
export const journalForms = either(kinds.map(({form}) => form));

/** The same for the help, with what is special about each. */
export const journalHelp = kinds.map(({form, note}) => (note === '' ? form : `${form} (${note})`)).join(', ');

/** The engines in docs/journal.md; a test compares both. */
export function enginesTable(): string {
  const rows = kinds.map(({form, doc}) => `| \`${form}\` | ${doc} |`);
  return ['| `CORE_JOURNAL` | where facts are |', '| --- | --- |', ...rows, ''].join('\n');
}
