import {spawnSync} from 'node:child_process';
import test, {type ExecutionContext} from 'ava';
import {projectFile} from '../../helpers/core.ts';
import {freePort} from '../../helpers/port.ts';
import {cliProgram} from '../../helpers/programs.ts';
import {ask} from '../../helpers/request.ts';
import {openTerminal} from '../../helpers/terminal.ts';

const pythonTest = spawnSync('python3', ['--version']).error ? test.skip : test;

/** `dev` in a terminal: what a person sees, without colours, and what they type. */
async function openDev(t: ExecutionContext) {
  const port = await freePort();
  const command = [process.execPath, cliProgram, 'dev', projectFile('test/fixtures/functions/core/counts.cjs')] as const;
  const env = {
    PATH: process.env.PATH ?? '',
    TERM: 'xterm',
    NO_COLOR: '1',
    PORT: String(port),
    CORE_ADMIN_PORT: '0',
    CORE_JOURNAL: 'memory:',
    CORE_SCHEDULES: JSON.stringify([
      {name: 'yearly', cron: '0 0 1 1 *'},
      {name: 'leap', cron: '0 0 29 2 *'},
    ]),
  };
  const terminal = openTerminal(command, env);
  t.teardown(terminal.kill);
  return {url: `http://127.0.0.1:${port}`, ...terminal};
}

pythonTest('keys: calls are sent again, schedules fired, the code is reloaded, and the end is clean', async t => {
  const {url, type, sees, ended} = await openDev(t);
  await sees(/ 0 requests · 0 errors · 1 process · next \w+ in \d+ days · h help/);

  type('p');
  await sees(/There is no call to send again yet/);

  await ask(`${url}/a?b=1`);
  await sees(/\d\d:\d\d:\d\d {2}GET {2}\/a\?b=1 {2}200 {2}[\d.]+ ms {2}#\w{4}\r\n {10}call 1\r\n/);
  await sees(/ 1 request · 0 errors · p50 [\d.]+ ms · 1 process/);

  type('p');
  await sees(/GET {2}\/a\?b=1 {2}200 .*\r\n {10}call 2\r\n[\s\S]*The reply differs from that of #\w{4}\r\n {10}body \/calls: 1 → 2\r\n/);

  type('s');
  await sees(/1 {2}yearly {2}next .*\r\n +2 {2}leap {2}next /);
  type('2');
  await sees(/cron {2}leap {2}200 {2}.*\r\n {10}call 3\r\n/);

  type('r');
  await sees(/Reloaded in /);
  await ask(`${url}/fail`);
  const error = await sees(/\/fail {2}500 [\s\S]*call 1\r\n[\s\S]* 1 error /);
  t.regex(error, / {10}Error: whom shall I greet\?\r\n {14}at exports\.handle \(counts\.cjs:7:37\)\r\n[\s\S]*> 7 \| {3}if \(event\.path/);

  type('p');
  await sees(/The reply is the same as that of #/);

  type('h');
  await sees(/r {2}reload the function[\s\S]*h help/);

  type('\x03');
  await sees(/Stopping\r\n/);
  t.deepEqual(await ended, [0, null]);
});

pythonTest('a second Ctrl-C ends a call that does not end', async t => {
  const {url, type, sees, ended} = await openDev(t);
  await sees(/h help/);
  const answer = ask(`${url}/hang`).catch(() => 'none');
  await sees(/GET {2}\/hang {2}… {2}#\w{4}\r\n {10}call 1\r\n/);
  type('\x03');
  await sees(/Stopping once a call in flight has ended; Ctrl-C once more ends it\r\n/);
  type('\x03');
  t.is(await answer, 'none');
  t.deepEqual(await ended, [1, null]);
});
