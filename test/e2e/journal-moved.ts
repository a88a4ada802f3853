import {execFileSync} from 'node:child_process';
import {mkdtemp, rename, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {projectFile, refuseCore, startCore} from '../helpers/core.ts';
import {cliProgram} from '../helpers/programs.ts';
import {ask} from '../helpers/request.ts';
import {metric} from '../helpers/supervision.ts';

const handler = projectFile('test/fixtures/functions/core/mirror.cjs');

test('a core whose journal’s folder is moved away says so, keeps its path from others, and begins anew there', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'journal-moved-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const env = {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: handler, CORE_JOURNAL: `sqlite:${join(folder, 'a', 'journal.db')}`};
  const core = await startCore(env, t);
  t.is(await metric(core, 'core_journal_durable'), 1);
  await rename(join(folder, 'a'), join(folder, 'b'));
  if (process.platform === 'linux') {
    const {code, stderr} = await refuseCore(env);
    t.is(code, 78);
    t.regex(stderr, new RegExp(`held by process ${core.pid} `));
  }
  const line = await core.logged(({msg}) => msg.includes('nothing is acknowledged'));
  t.regex(String(line.cause), /journal\.db is (gone|not the file that was opened)/);
  await core.logged(({msg}) => msg.includes('is written again'));
  t.is((await ask(core.url)).status, 200);
  t.is(await metric(core, 'core_journal_durable'), 1);
  t.is(await core.stop(), 0);
  for (const name of ['a', 'b']) execFileSync(process.execPath, [cliProgram, 'journal', 'verify', join(folder, name, 'journal.db')]);
});
