import test from 'ava';
import {broken, fixture, linesOf, newJournal, record, replay, serve} from '../helpers/replay.ts';

test('code that ends in a call is an error there, and the next event is run all the same', async t => {
  const file = await newJournal(t);
  const core = await serve(t, file);
  const ids = await record(core, ['count=6', 'count=1']);
  await core.stop();
  const ended = await replay(file, [...ids, '--against', broken, '--json']);
  t.is(ended.code, 1);
  t.deepEqual(
    linesOf(ended).map(({verdict, actual}) => [verdict, actual]),
    [
      ['error', '502 UPSTREAM_LOST'],
      ['noise', '200'],
    ],
  );
});

test('current code that does not start cannot be compared with, and another version that does not start is the gravest change', async t => {
  const file = await newJournal(t);
  const core = await serve(t, file);
  const ids = await record(core, ['count=1']);
  await core.stop();
  const none = await replay(file, ids, {SCW_HANDLER_PATH: fixture('unloadable.cjs')});
  t.is(none.code, 69);
  t.regex(none.stderr, /unloadable\.cjs does not start: .*not loadable/);
  const worse = await replay(file, [...ids, '--against', fixture('unloadable.cjs')]);
  t.is(worse.code, 1);
  t.regex(worse.stderr, /unloadable\.cjs does not start: .*not loadable/);
  const missing = await replay(file, [...ids, '--against', fixture('nothing.cjs')]);
  t.is(missing.code, 64);
  t.regex(missing.stderr, /--against: expected one handler file/);
});
