import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createInterface} from 'node:readline';

/*
Records some traffic of handler.js, runs it again in changed.js, and ends with the exit code of the replay: 1, as the
change is caught.
*/

const here = import.meta.dirname;
const cli = join(here, '../../src/cli.ts');
const folder = mkdtempSync(join(tmpdir(), 'replay-'));
const env = {
  ...process.env,
  SCW_HANDLER_PATH: join(here, 'handler.js'),
  SCW_PUBLIC: 'true',
  SCW_UPSTREAM_PORT: '0',
  PORT: '0',
  CORE_ADMIN_PORT: '0',
  CORE_JOURNAL: `sqlite:${join(folder, 'journal.db')}`,
  CORE_JOURNAL_HTTP: 'full',
};
const run = (args, stdout) => spawn(process.execPath, [cli, ...args], {env, stdio: ['ignore', stdout, 'inherit']});

try {
  const core = run(['start'], 'pipe');
  const ended = once(core, 'exit');
  const url = await listening(core);
  for (const query of ['item=tea', 'item=cup&count=3', 'item=pot&count=10', 'item=tea&count=12', 'item=mug']) {
    await (await fetch(`${url}/?${query}`)).text();
  }
  core.kill('SIGTERM');
  await ended;

  const replay = run(['replay', '--since', '1h', '--against', join(here, 'changed.js')], 'inherit');
  [process.exitCode] = await once(replay, 'exit');
} finally {
  rmSync(folder, {recursive: true});
}

/** Where it listens, as its log says. */
async function listening(core) {
  for await (const line of createInterface({input: core.stdout})) {
    const {msg, url} = JSON.parse(line);
    if (msg === 'Listening') {
      core.stdout.resume();
      return url;
    }
  }
  throw new Error('The core did not start');
}
