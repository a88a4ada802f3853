import {spawnSync} from 'node:child_process';
import {writeFile} from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import {functionFile} from '../helpers/bridge.ts';
import {startCore} from '../helpers/core.ts';
import {below} from '../helpers/process.ts';
import {ask} from '../helpers/request.ts';
import {metricIs} from '../helpers/supervision.ts';

// Service managers send SIGTERM to every process of a service at once, sub-runtimes included.

/** Handlers that answer with their process once the file GATE is there. */
const handlers: Record<string, {program: string; file: string; text: string}> = {
  node: {
    program: 'node',
    file: 'handler.cjs',
    text: `const {existsSync} = require('node:fs');
exports.handle = async () => {
  while (!existsSync(process.env.GATE)) await new Promise(resolve => setTimeout(resolve, 10));
  return String(process.pid);
};`,
  },
  python: {
    program: 'python3',
    file: 'handler.py',
    text: `import os, time
def handle(event, context):
    while not os.path.exists(os.environ["GATE"]):
        time.sleep(0.01)
    return str(os.getpid())
`,
  },
  'python, async': {
    program: 'python3',
    file: 'handler.py',
    text: `import asyncio, os
async def handle(event, context):
    while not os.path.exists(os.environ["GATE"]):
        await asyncio.sleep(0.01)
    return str(os.getpid())
`,
  },
  php: {
    program: 'php',
    file: 'handler.php',
    text: `<?php
function handle() {
    while (!file_exists(getenv('GATE'))) { usleep(10000); clearstatcache(); }
    return (string) getmypid();
}`,
  },
};

for (const [language, {program, file, text}] of Object.entries(handlers)) {
  const check = program === 'node' || spawnSync(program, ['--version']).status === 0 ? test : test.skip;
  check(`${language}: SIGTERM to every process at once breaks off no call, in flight or waiting`, async t => {
    const handler = await functionFile(t, file, text);
    const gate = path.join(path.dirname(handler), 'gate');
    const core = await startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: handler, CORE_CONCURRENCY: '1', GATE: gate}, t);
    const calls = Array.from({length: 5}, () => ask(core.url));
    await metricIs(core, 'core_queue_depth', 4);
    for (const pid of [...below(core.pid), core.pid]) process.kill(pid, 'SIGTERM');
    await core.logged(({msg}) => msg === 'Stopping');
    await writeFile(gate, '');
    const answers = await Promise.all(calls);
    t.deepEqual(
      answers.map(({status}) => status),
      [200, 200, 200, 200, 200],
    );
    t.is(new Set(answers.map(answer => answer.text())).size, 1, 'one process served them all');
    t.is(await core.exited, 0);
    t.like(core.logs.at(-1), {msg: 'Stopped', accepted: 5, completed: 5, lost: 0});
  });
}
