import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {refuseCore, runCli} from '../helpers/core.ts';
import {factsUntil, handler, idOf, lines, newFolder, serve} from '../helpers/journal-place.ts';
import {ask} from '../helpers/request.ts';
import {metric} from '../helpers/supervision.ts';

/* What a core keeps, and where. */

test('a journal that the user named and another core holds stops the start, and says who has it', async t => {
  const file = join(await newFolder(t), 'journal.db');
  const first = await serve(t, {CORE_JOURNAL: `sqlite:${file}`});
  const {code, stderr} = await refuseCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: handler, CORE_JOURNAL: `sqlite:${file}`});
  t.is(code, 78);
  t.regex(stderr, new RegExp(`CORE_JOURNAL: .*held by process ${first.pid} .*CORE_JOURNAL=memory:`));
  t.notRegex(stderr, /\n\s+at /);
});

test('a journal that cannot be written stops the start when it was named', async t => {
  const folder = await newFolder(t);
  await writeFile(join(folder, 'file'), '');
  const named = {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: handler, CORE_JOURNAL: `sqlite:${folder}/file/journal.db`};
  t.is((await refuseCore(named)).code, 78);
});

test('when no journal is named, memory replaces one that cannot be opened, with one warning', async t => {
  const folder = await newFolder(t);
  const env = {CORE_JOURNAL: '', CORE_DATA_DIR: folder};
  const first = await serve(t, env);
  const second = await serve(t, env);
  t.is(await metric(first, 'core_journal_durable'), 1);
  t.is(await metric(second, 'core_journal_durable'), 0);
  t.is(second.logs.filter(({msg}) => msg.includes('in memory only')).length, 1);
  t.false(first.logs.some(({msg}) => msg.includes('in memory only')));
  t.is((await ask(second.url)).status, 200);
});

test('commands that read refuse what they cannot read, on stderr alone', async t => {
  const folder = await newFolder(t);
  await writeFile(join(folder, 'no.db'), 'no journal at all, but some text that is long enough to be looked at');
  for (const [args, code, message] of [
    [['facts', '--journal', join(folder, 'none.db')], 66, /no such file/],
    [['facts', '--journal', join(folder, 'no.db')], 66, /not a database/],
    [['explain', 'a', 'b', '--journal', join(folder, 'no.db')], 64, /expected at most one invocation id/],
    [['invocations', '--status', 'lost'], 64, /expected one of running/],
    [['invocations', '--since', 'ever'], 64, /expected a duration/],
    [['journal', 'burn'], 64, /expected one of export/],
    [['journal', 'verify', join(folder, 'no.db')], 1, undefined],
    [['facts', '--bogus'], 64, /Unknown option/],
  ] as const) {
    const ended = await runCli(args, {CORE_DATA_DIR: folder});
    t.is(ended.code, code, args.join(' '));
    if (!message) continue;
    t.regex(ended.stderr, message);
    t.is(ended.stdout, '');
  }
  t.regex((await runCli(['facts'], {CORE_DATA_DIR: folder, CORE_ADMIN_PORT: '1'})).stderr, /no journal exists below/);
});

test('CORE_JOURNAL_HTTP=off keeps facts of the sub-runtime only', async t => {
  const file = join(await newFolder(t), 'journal.db');
  const core = await serve(t, {CORE_JOURNAL: `sqlite:${file}`, CORE_JOURNAL_HTTP: 'off'});
  await ask(core.url);
  await core.stop();
  const types = (await lines(['facts', '--json', '--journal', file])).map(({type}) => type);
  // The code is read while the process starts: either may be first.
  t.deepEqual([types[0], types.at(-1)], ['config.loaded', 'runtime.exited']);
  t.deepEqual(types.toSorted(), ['code.loaded', 'config.loaded', 'runtime.exited', 'runtime.ready', 'runtime.spawned']);
});

test('a stop loses no fact, and the sub-runtime’s end is the last', async t => {
  const file = join(await newFolder(t), 'journal.db');
  const core = await serve(t, {CORE_JOURNAL: `sqlite:${file}`});
  for (let call = 0; call < 20; call++) await ask(core.url);
  t.is(await core.stop(), 0);
  const types = (await lines(['facts', '--json', '--journal', file])).map(({type}) => type);
  t.is(types.filter(type => type === 'invocation.accepted').length, 20);
  t.is(types.filter(type => type === 'invocation.settled').length, 20);
  t.is(types.at(-1), 'runtime.exited');
  t.is((await runCli(['journal', 'verify', file])).code, 0);
});

test('what was kept survives a core that is killed, and the next one goes on', async t => {
  const file = join(await newFolder(t), 'journal.db');
  const env = {CORE_JOURNAL: `sqlite:${file}`};
  const first = await serve(t, env);
  const answer = await ask(first.url);
  await factsUntil(file, types => types.includes('invocation.settled'));
  first.kill('SIGKILL');
  await first.exited;
  const second = await serve(t, env);
  await ask(second.url);
  await second.stop();
  const kept = await lines(['facts', '--json', '--journal', file]);
  t.deepEqual(
    kept.map(({position}) => position),
    kept.map((_, index) => index + 1),
  );
  t.is(kept.filter(({type}) => type === 'config.loaded').length, 2);
  t.regex((await runCli(['explain', idOf(answer), '--journal', file])).stdout, /responded, status 200/);
});
