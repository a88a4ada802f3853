import {spawn} from 'node:child_process';
import {once} from 'node:events';
import test from 'ava';
import {readLines} from '../../src/workers/output/lines.ts';
import {type LogLine, projectFile} from '../helpers/core.ts';
import {endingWithUs} from '../helpers/process.ts';

/** Its waits have no bound where its lines are read, so that the test depends on no speed. */
const program = (isRead: boolean) => `
import {systemClock} from ${JSON.stringify(projectFile('src/clock.ts'))};
import {openLog} from ${JSON.stringify(projectFile('src/observe/log.ts'))};
let linesLost = 0;
const clock = {...systemClock, after: () => () => {}${isRead ? ', monotonic: () => 0' : ''}};
const log = openLog({level: 'info', clock, onDropped: lines => void (linesLost += lines), maxWaitingBytes: 24 * 2 ** 20});
for (let line = 0; line < 1000; line++) log.info({text: 'x'.repeat(3000)}, 'line');
await log.drain(4000);
log.info({linesLost}, 'last');
console.error('drained');
await log[Symbol.asyncDispose]();
`;

function writeLines(reads: 'at once' | 'once it was given up') {
  const child = spawn(...endingWithUs([process.execPath, '--input-type=module', '-e', program(reads === 'at once')]), {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const logs: LogLine[] = [];
  const read = () => readLines(child.stdout, line => logs.push(JSON.parse(line)));
  if (reads === 'at once') read();
  else child.stderr.once('data', read);
  return {logs, closed: once(child, 'close')};
}

test('a drain waits until everything is read', async t => {
  const {logs, closed} = writeLines('at once');
  t.deepEqual(await closed, [0, null]);
  t.is(logs.length, 1001);
  t.like(logs.at(-1), {msg: 'last', linesLost: 0});
});

test('a drain that nobody reads gives up whole lines, and there is room to say how many', async t => {
  const {logs, closed} = writeLines('once it was given up');
  t.deepEqual(await closed, [0, null]);
  const last = logs.at(-1);
  t.is(last?.msg, 'last');
  t.true(Number(last?.linesLost) > 0);
  t.is(logs.length - 1 + Number(last?.linesLost), 1000);
});
