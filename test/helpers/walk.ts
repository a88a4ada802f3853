import {readFileSync} from 'node:fs';
import type {ExecutionContext} from 'ava';
import {projectFile, type RunningCore, startCore} from './core.ts';

export const architecture = readFileSync(projectFile('docs/architecture.md'), 'utf8');
const fixture = projectFile('test/fixtures/coverage.mjs');
const root = `file://${projectFile('.')}`;

/** A core that logs which files ran when it gets SIGUSR2. */
export const startWatched = (t: ExecutionContext, env: Record<string, string> = {}) =>
  startCore(
    {
      SCW_PUBLIC: 'true',
      SCW_HANDLER_PATH: projectFile('examples/01-hello-node/handler'),
      NODE_OPTIONS: `--import=${fixture}`,
      NODE_V8_COVERAGE: '', // it would count with ours
      ...env,
    },
    t,
    {isSource: true}, // files of a bundle have other names
  );

/** The files that a walk of the document names. */
export function walkOf(name: string): string[] {
  const [, table = ''] = new RegExp(`<!-- walk: ${name} -->([\\s\\S]*?)<!-- /walk -->`).exec(architecture) ?? [];
  return [...table.matchAll(/^\| \[([^\]]+)\]/gm)].map(([, file = '']) => file);
}

/** The files of ours that ran while something was done. */
export async function ranDuring(core: RunningCore, work: () => Promise<unknown>): Promise<ReadonlySet<string>> {
  const taken = async () => {
    const before = core.logs.length;
    core.kill('SIGUSR2');
    return core.logged(line => line.msg === 'Ran' && core.logs.indexOf(line) >= before);
  };
  await taken();
  await work();
  const {files} = (await taken()) as unknown as {files: string[]};
  const ours = files.filter(file => file.startsWith(root)).map(file => file.slice(root.length));
  return new Set(ours.filter(file => /^(src|middleware|triggers|protocols|runtimes)\//.test(file)));
}
