import {execFile} from 'node:child_process';
import {readFile, writeFile} from 'node:fs/promises';
import {release} from 'node:os';
import {parseArgs, promisify} from 'node:util';
import {systemClock} from '../src/clock.ts';
import {projectFile} from '../test/helpers/core.ts';
import {authentication} from './authentication.ts';
import {bodies} from './bodies.ts';
import {bridges} from './bridges.ts';
import {budgetTable} from './budgets.ts';
import {coldStart} from './cold-start.ts';
import {figuresBlock, withResults} from './document.ts';
import type {Figures} from './figures.ts';
import {imports} from './imports.ts';
import {journal} from './journal.ts';
import {latency} from './latency.ts';
import {chooseGenerator} from './load.ts';
import {memory} from './memory.ts';
import {older} from './older.ts';
import {overload} from './overload.ts';
import {Peers} from './peers.ts';
import {processesOfCore} from './processes-of-core.ts';
import {loadBefore, machine, type Question, type Report, roundsOf} from './program.ts';
import {smallContainer} from './small-container.ts';
import {throughput} from './throughput.ts';
import {tracing} from './tracing.ts';
import {triggers} from './triggers.ts';
import {work} from './work.ts';

/*
Every question in one sitting, written into docs/benchmarks.md; about twenty minutes.

    npm run bench [-- --rounds 1 --seconds 1] [--only latency --only memory] [--dry]

`--dry` prints instead of writing. A run with `--only` is always dry: figures of different sittings are not to be compared.
*/

const questions = {
  older,
  throughput,
  latency,
  bodies,
  tracing,
  journal,
  work,
  triggers,
  authentication,
  overload,
  processesOfCore,
  coldStart,
  memory,
  smallContainer,
  imports,
  bridges,
};

const {values} = parseArgs({
  options: {
    rounds: {type: 'string'},
    seconds: {type: 'string'},
    only: {type: 'string', multiple: true},
    dry: {type: 'boolean'},
  },
});
const unknown = values.only?.filter(name => !Object.hasOwn(questions, name)) ?? [];
if (unknown.length > 0) throw new Error(`Expected one of ${Object.keys(questions).join(', ')}, got ${unknown.join(', ')}`);

await using stack = new AsyncDisposableStack();
const peers = new Peers(stack);
const generator = await chooseGenerator(() => peers.install('autocannon@8'));
const [busyBefore, startedMs] = [loadBefore(), systemClock.monotonic()];
const reports: Report[] = [];
for (const [name, question] of Object.entries(questions)) {
  if (values.only && !values.only.includes(name)) continue;
  console.error(`${seconds()} s: ${name}`);
  reports.push(await answerOf(name, question));
}
const results = await write(reports);
if (values.dry || values.only) console.log(results);
else {
  const file = projectFile('docs/benchmarks.md');
  await writeFile(file, withResults(await readFile(file, 'utf8'), results));
}
console.error(`${seconds()} s: done`);

function seconds(): string {
  return ((systemClock.monotonic() - startedMs) / 1000).toFixed(0);
}

/** One question that fails must not cost the answers to the others. */
async function answerOf(name: string, question: Question): Promise<Report> {
  const bench = {rounds: Number(values.rounds ?? question.rounds), seconds: Number(values.seconds ?? question.seconds), peers};
  try {
    const report = await question.answer(bench);
    return {...report, about: `${report.about} ${roundsOf(bench)}, in turn.`};
  } catch (error) {
    console.error(error);
    return {title: name, about: 'Not measured: the program failed.', tables: '', figures: {}};
  }
}

async function write(all: readonly Report[]): Promise<string> {
  const figures: Figures = Object.assign({}, ...all.map(report => report.figures));
  const day = new Date(systemClock.now()).toISOString().slice(0, 10);
  const settings = [`${machine()}, Linux ${/^\d+\.\d+/.exec(release())?.[0]}`, generator, await goVersion(), busyBefore];
  const missing = [...peers.missing.values()].map(line => `- ${line}`);
  const sections = all.map(({title, about, tables}) => `## ${title}\n\n${about}\n\n${tables}`);
  const head = `${day}. ${settings.filter(Boolean).join('; ')}. Medians, with minimum and maximum of the rounds; ratios are taken round by round.`;
  const parts = [head, missing.join('\n'), `## Budgets\n\n${budgetTable(figures)}`, ...sections, figuresBlock(figures)];
  return `${parts.filter(part => part !== '').join('\n\n')}\n`;
}

async function goVersion(): Promise<string> {
  const {stdout} = await promisify(execFile)('go', ['env', 'GOVERSION']).catch(() => ({stdout: ''}));
  return stdout.trim().replace('go', 'Go ');
}
