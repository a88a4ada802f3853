import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {projectFile, startCore} from './core.ts';
import {folderWith} from './folder.ts';
import {writtenLines} from './lines.ts';

/** A request as the server got it. */
export interface Job {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Cores in front of a server that takes jobs as requests, with a journal on the disk, and what the server got. */
export async function jobsPlace(t: ExecutionContext, env: Readonly<Record<string, string>> = {}) {
  const folder = await folderWith(t, {});
  const file = join(folder, 'calls');
  await writeFile(file, '');
  const own = {
    SCW_PUBLIC: 'true',
    CORE_PROTOCOL: 'http',
    CORE_COMMAND: JSON.stringify([process.execPath, projectFile('test/fixtures/servers/jobs.cjs')]),
    CORE_JOURNAL: `sqlite:${folder}/journal.db`,
    CALLS: file,
    ...env,
  };
  return {
    folder,
    env: own,
    start: (more: Readonly<Record<string, string>> = {}) => startCore({...own, ...more}, t),
    calls: (): Job[] => writtenLines(file).map(line => JSON.parse(line)),
  };
}

/** Waits for what happens in other processes. */
export async function until(fits: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await fits())) await new Promise(resolve => setTimeout(resolve, 10));
}
