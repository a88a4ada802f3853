import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {runCli as cli} from '../helpers/core.ts';

const commands: readonly (readonly string[])[] = [
  ['start'],
  ['dev', 'examples/01-hello-node'],
  ['config'],
  ['schedules'],
  ['ready'],
  ['fire', 'nightly'],
  ['invocations'],
  ['explain', 'x'],
  ['facts'],
  ['facts', '--journal', 'nowhere.db'],
  ['replay', '--since', '1h'],
  ['journal', 'export'],
  ['journal', 'import'],
  ['journal', 'verify'],
  ['journal', 'backup', 'x.db'],
];
const settings = [
  ['CORE_TIMEOUT', 'soon'],
  ['CORE_JOURNAL', 'facts.db'],
  ['CORE_ADMIN_PORT', 'x'],
  ['CORE_SCHEDULES', '{'],
  ['CORE_ADMIN_TOKN', 'x'],
] as const;

for (const command of commands) {
  test(`${command.join(' ')} ends with 78 for a bad setting and names it, without a stack`, async t => {
    for (const [name, value] of settings) {
      const {code, stderr} = await cli(command, {[name]: value});
      t.is(code, 78, `${name}: ${stderr}`);
      t.regex(stderr, new RegExp(`^core-runtime: ${name}`, 'm'));
      t.notRegex(stderr, /\n\s+at /);
    }
  });

  test(`${command.join(' ')} ends with 64 for an option that does not exist`, async t => {
    const {code, stderr} = await cli([...command, '--bogus']);
    t.is(code, 64, stderr);
  });
}

test('a file that an option names is a mistake in the command line, one that a setting names is a bad setting', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'exit-codes-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const env = {CORE_DATA_DIR: folder, CORE_ADMIN_PORT: '1'};
  const named = await cli(['facts', '--handler', 'nowhere.js'], env);
  t.is(named.code, 64);
  t.regex(named.stderr, /^core-runtime: --handler: expected one handler file/);
  const set = await cli(['facts'], {...env, SCW_HANDLER_PATH: '/nowhere.js'});
  t.is(set.code, 78);
  t.regex(set.stderr, /^core-runtime: SCW_HANDLER_PATH: expected one handler file/);
  t.is((await cli(['facts'], env)).code, 66);
});
