import {execFile} from 'node:child_process';
import {readFile} from 'node:fs/promises';
import {promisify} from 'node:util';
import test from 'ava';
import {functionFile} from '../helpers/bridge.ts';
import {projectFile} from '../helpers/core.ts';
import {cliProgram} from '../helpers/programs.ts';
import {pythonBridge} from '../helpers/python-suite.ts';

const run = promisify(execFile);

/** A handler that waits on the loop, not in front of it. */
const toAsync = (text: string) =>
  text
    .replaceAll(/^def/gm, 'async def')
    .replaceAll('time.sleep', 'await asyncio.sleep')
    .replace('import time', 'import asyncio')
    .replace('else received(', 'else await received(')
    .replaceAll('context.body.read()', '(await context.body.read())');

const kinds: Record<string, [change: (text: string) => string, env: Record<string, string>]> = {
  'a plain handler with twenty threads': [text => text, {CORE_CONCURRENCY: '20'}],
  'an async handler': [toAsync, {}],
};

for (const [kind, [change, env]] of Object.entries(kinds)) {
  test.serial(`python: ${kind} is a sub-runtime as conform asks for, over HTTP and on the channel`, async t => {
    const text = await readFile(projectFile('runtimes/python/conform.py'), 'utf8');
    const handler = await functionFile(t, 'conform.py', change(text));
    const {stdout} = await run(process.execPath, [cliProgram, 'conform', '--json', '--handler', handler, '--', 'python3', pythonBridge], {
      env: {...process.env, ...env},
    });
    const verdicts = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    t.deepEqual(
      verdicts.filter(({verdict}) => verdict !== 'ok'),
      [],
    );
    t.true(verdicts.length > 60);
  });
}
