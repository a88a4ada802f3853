import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import test from 'ava';
import {projectFile} from '../helpers/core.ts';
import {isAlive, outputOf} from '../helpers/process.ts';
import {cliProgram} from '../helpers/programs.ts';
import {newJournal, orders, record, serve} from '../helpers/replay.ts';

test('an interrupted replay says so, and leaves no process behind', async t => {
  const file = await newJournal(t);
  const core = await serve(t, file);
  const ids = await record(core, ['do=never']);
  await core.stop();
  const never = projectFile('test/fixtures/functions/core/mirror.cjs');
  const {PATH = '', HOME = '', NODE_V8_COVERAGE} = process.env;
  const child = spawn(process.execPath, [cliProgram, 'replay', ...ids, '--journal', file, '--against', never], {
    env: {PATH, HOME, ...(NODE_V8_COVERAGE && {NODE_V8_COVERAGE}), SCW_HANDLER_PATH: orders},
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const stderr = outputOf(child.stderr);
  const ended = once(child, 'close');
  // Both processes of the baseline and the candidate's: now it waits for what never ends.
  let functions: number[] = [];
  while (functions.length < 3) {
    functions = childrenOf(child.pid ?? 0).filter(pid => commandOf(pid).includes('bridge'));
    await new Promise(resolve => setImmediate(resolve));
  }
  child.kill('SIGINT');
  const [code] = await ended;
  t.is(code, 1);
  t.regex(stderr(), /interrupted/);
  for (const pid of functions) t.false(isAlive(pid));
});

function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.trim().split(' ').filter(Boolean).map(Number);
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // it has ended
  }
}
