import {execFile} from 'node:child_process';
import {promisify} from 'node:util';
import {projectFile} from '../test/helpers/core.ts';
import {markdownTable, median} from './figures.ts';
import {type Question, runAlone} from './program.ts';

/*
What each package costs a start: the time of its import, and the resident memory that it adds, in a process of its own.

    node bench/imports.ts [rounds]
*/

/** Whether the first answer waits for it is a matter of where it is imported. */
const packages: Readonly<Record<string, string>> = {
  koa: 'while the function’s process boots',
  'koa-compose': 'at the start',
  undici: 'while the function’s process boots',
  'prom-client': 'at the start',
  pino: 'at the start',
  valibot: 'at the start',
  jsonwebtoken: 'in a private function',
  croner: 'at the start',
  '@opentelemetry/api': 'at the start',
  'node:sqlite': 'in the journal’s thread',
  got: 'with CORE_JWKS_URL',
  '@opentelemetry/sdk-node': 'with an exporter configured',
  '@opentelemetry/instrumentation-http': 'with an exporter configured',
};

const program = (name: string) => `
  const before = process.memoryUsage.rss();
  const started = performance.now();
  ${name === '' ? '' : `await import(${JSON.stringify(name)});`}
  console.log(performance.now() - started, (process.memoryUsage.rss() - before) / 1e6);
`;

export const imports: Question = {
  rounds: 7,
  seconds: 0,

  async answer({rounds}) {
    const rows: string[][] = [];
    for (const [name, when] of Object.entries(packages)) {
      const runs: number[][] = [];
      for (let round = 0; round < rounds; round++) runs.push(await costOf(name));
      const [ms, megabytes] = [0, 1].map(index => median(runs.map(run => run[index] ?? 0)));
      rows.push([name, (ms ?? 0).toFixed(0), (megabytes ?? 0).toFixed(0), when]);
    }
    return {
      title: 'Imports',
      about:
        'Each package imported alone in an empty Node, with what it imports itself; packages share much of that, so the rows do not add up.',
      tables: markdownTable(['package', 'ms', 'MB resident', 'imported'], rows),
      figures: {},
    };
  },
};

async function costOf(name: string): Promise<number[]> {
  const {stdout} = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program(name)], {cwd: projectFile('.')});
  return stdout.trim().split(' ').map(Number);
}

if (import.meta.main) await runAlone(imports);
