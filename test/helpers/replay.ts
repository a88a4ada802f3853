import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {type Ended, projectFile, type RunningCore, runCli, startCore, type Teardown} from './core.ts';
import {type Asked, ask} from './request.ts';

export const fixture = (name: string) => projectFile(`test/fixtures/functions/replay/${name}`);
export const orders = fixture('orders.cjs');
export const broken = fixture('orders-broken.cjs');

/** The path of a journal that is not there yet; it is gone when the test ends. */
export async function newJournal(t: Teardown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'replay-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  return join(folder, 'journal.db');
}

/** A core that keeps requests and replies in that journal, and ends with the test. */
export function serve(t: Teardown, file: string, env: Record<string, string> = {}): Promise<RunningCore> {
  const full = {CORE_JOURNAL: `sqlite:${file}`, CORE_JOURNAL_HTTP: 'full'};
  return startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: orders, ...full, ...env}, t);
}

/** Sends requests and gives back the ids of their invocations. */
export async function record(core: RunningCore, queries: readonly string[], asked: Asked = {}): Promise<string[]> {
  const ids: string[] = [];
  for (const query of queries) ids.push((await ask(`${core.url}/orders?${query}`, asked)).field('core-invocation-id'));
  return ids;
}

/** Runs `core-runtime replay`, with the function that was served as the code of now. */
export const replay = (file: string, args: readonly string[], env: Record<string, string> = {}) =>
  runCli(['replay', '--journal', file, ...args], {SCW_HANDLER_PATH: orders, ...env});

/** What a command printed with --json. */
// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the command printed
export const linesOf = ({stdout}: Pick<Ended, 'stdout'>): any[] =>
  stdout
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line));

/** What was kept of replays. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export const keptOf = async (file: string): Promise<any[]> =>
  linesOf(await runCli(['facts', '--json', '--stream', 'replay.', '--journal', file]));
