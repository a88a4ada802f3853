import {readFile} from 'node:fs/promises';
import {systemClock} from '../src/clock.ts';
import {projectFile} from '../test/helpers/core.ts';
import {bodies} from './bodies.ts';
import {coldStart} from './cold-start.ts';
import {comparison} from './comparison.ts';
import {recordedFigures} from './document.ts';
import type {Figures} from './figures.ts';
import {journal} from './journal.ts';
import {latency} from './latency.ts';
import {chooseGenerator} from './load.ts';
import {memory} from './memory.ts';
import {Peers} from './peers.ts';
import {loadBefore, machine} from './program.ts';
import {throughput} from './throughput.ts';

/*
The key figures in less than two minutes, beside those that docs/benchmarks.md records. For people: it always ends well.

    npm run bench:quick
*/

await using stack = new AsyncDisposableStack();
const peers = new Peers(stack, ['functions-framework', 'Go stand-in']);
const generator = await chooseGenerator(() => peers.install('autocannon@8'));
const [busyBefore, startedMs] = [loadBefore(), systemClock.monotonic()];
const some = {rounds: 3, seconds: 1, peers};
const nobody = new Peers(stack, []);

const figures: Figures = {};
for (const [name, answer] of Object.entries({
  throughput: () => throughput.answer(some),
  latency: () => latency.answer({...some, peers: nobody}),
  bodies: () => bodies.answer(some, ['1 MiB']),
  journal: () => journal.answer(some),
  'cold start': () => coldStart.answer({...some, rounds: 5, peers: nobody}),
  memory: () => memory.answer({...some, rounds: 1, peers: nobody}),
})) {
  console.error(`${((systemClock.monotonic() - startedMs) / 1000).toFixed(0)} s: ${name}`);
  try {
    Object.assign(figures, (await answer()).figures);
  } catch (error) {
    console.error(error);
  }
}

const recorded = recordedFigures(await readFile(projectFile('docs/benchmarks.md'), 'utf8'));
console.log(`${machine()}, ${generator}, ${busyBefore}\n`);
console.log(comparison(figures, recorded));
for (const line of peers.missing.values()) console.log(`\n- ${line}`);
