import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {projectFile, runCli, startCore} from './core.ts';

/* Cores with journals, and what commands tell of these. */

export const handler = projectFile('test/fixtures/functions/core/mirror.cjs');

export async function newFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'journal-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  return folder;
}

export const serve = (t: ExecutionContext, env: Record<string, string>) =>
  startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: handler, ...env}, t);
export const idOf = (answer: {field(name: string): string}) => answer.field('core-invocation-id');

// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the command printed
export async function lines(args: readonly string[]): Promise<any[]> {
  const {stdout, stderr, code} = await runCli(args);
  if (code !== 0) throw new Error(stderr);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line));
}

/** What `facts` tells, once it tells as much. */
export async function factsUntil(file: string, fits: (types: string[]) => boolean): Promise<string[]> {
  for (;;) {
    const types = (await lines(['facts', '--json', '--journal', file])).map(({type}) => type);
    if (fits(types)) return types;
  }
}
