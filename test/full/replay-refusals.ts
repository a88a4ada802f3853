import {DatabaseSync} from 'node:sqlite';
import test from 'ava';
import {keptOf, linesOf, newJournal, record, replay, serve} from '../helpers/replay.ts';

test('a wrong command line, or a file that is not a journal, is reported on stderr alone', async t => {
  const file = await newJournal(t);
  for (const [args, code, message] of [
    [[], 64, /expected either ids of invocations or --since/],
    [['some', '--since', '1h'], 64, /expected either ids/],
    [['--since', 'ever'], 64, /--since: expected a duration/],
    [['--since', '1h', '--sample', '0'], 64, /--sample: expected a number/],
    [['some', '--sample', '1'], 64, /--sample: expected --since/],
    [['some', '--fail-on', 'anything'], 64, /--fail-on: expected some of error,status,headers,body/],
    [['--bogus'], 64, /Unknown option/],
    [['--since', '1h'], 66, /no such file/],
  ] as const) {
    const ended = await replay(file, args);
    t.is(ended.code, code, args.join(' '));
    t.regex(ended.stderr, message);
    t.notRegex(ended.stderr, /\n\s+at /);
    t.is(ended.stdout, '');
  }
});

test('what cannot be replayed is named with its reason and the fix, and nothing passes that compared nothing', async t => {
  const file = await newJournal(t);
  const core = await serve(t, file, {CORE_JOURNAL_HTTP: 'facts'});
  const [id = ''] = await record(core, ['count=1']);
  await core.stop();
  for (const args of [[id], ['--since', '1h']]) {
    const ended = await replay(file, args);
    t.is(ended.code, 66);
    t.regex(ended.stdout, /not replayable 1/);
    t.regex(ended.stdout, /recorded without its request and reply: start the core with CORE_JOURNAL_HTTP=full/);
    t.regex(ended.stderr, /could be compared/);
  }
  const json = await replay(file, [id, 'nobody', '--json']);
  t.deepEqual(
    linesOf(json).map(({invocationId, notReplayable}) => [invocationId, notReplayable]),
    [
      [id, 'facts-only'],
      ['nobody', 'unknown'],
    ],
  );
  t.deepEqual(await keptOf(file), []);
});

test('invocations with shredded or damaged bodies are named, and the others compared', async t => {
  const file = await newJournal(t);
  const core = await serve(t, file);
  const ids = await record(core, ['count=1', 'count=2', 'count=3']);
  await core.stop();
  const db = new DatabaseSync(file);
  const [damaged = '', shredded = ''] = ids;
  db.prepare('UPDATE payload SET bytes = ? WHERE name = ?').run(Buffer.from('{}\nother'), `invocation.${damaged}/request`);
  db.prepare('DELETE FROM payload WHERE name = ?').run(`invocation.${shredded}/reply`);
  db.close();
  const ended = await replay(file, ['--since', '1h', '--json']);
  t.is(ended.code, 0, ended.stderr);
  t.deepEqual(
    linesOf(ended).map(({notReplayable, verdict}) => notReplayable ?? verdict),
    ['damaged', 'shredded', 'noise'],
  );
  const named = await replay(file, ids);
  t.is(named.code, 66, 'who names them wants them all');
  t.regex(named.stdout, /1 not replayable: what was kept of it is damaged: see `core-runtime journal verify`/);
  t.regex(named.stdout, /1 not replayable: its request or its reply is not kept any more: give CORE_JOURNAL_KEEP_BODIES/);
});

test('a damaged journal is not read', async t => {
  const file = await newJournal(t);
  const core = await serve(t, file);
  const ids = await record(core, ['count=1', 'count=2']);
  await core.stop();
  const db = new DatabaseSync(file);
  db.prepare('UPDATE pack SET checksum = checksum + 1').run();
  db.close();
  for (const args of [ids, ['--since', '1h']]) {
    const ended = await replay(file, args);
    t.is(ended.code, 66, args.join(' '));
    t.regex(ended.stderr, /journal\.db: .*`core-runtime journal verify`/);
    t.is(ended.stdout, '');
  }
});
