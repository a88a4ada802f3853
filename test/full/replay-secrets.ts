import test from 'ava';
import {linesOf, newJournal, orders, record, replay, serve} from '../helpers/replay.ts';

test('secrets that were taken out are in no report, wherever the function had put them', async t => {
  const file = await newJournal(t);
  const core = await serve(t, file);
  const headers = {Authorization: 'Bearer canary-token-1234', Cookie: 'canary=5678; more=canary', 'X-Api-Key': 'canary-key-91011'};
  const ids = await record(core, ['do=echo', 'do=say', 'do=session'], {headers});
  await core.stop();
  const json = await replay(file, [...ids, '--json']);
  const text = await replay(file, ids);
  for (const ended of [json, text]) t.notRegex(ended.stdout + ended.stderr, /canary/);
  t.regex(text.stdout, /Kept as hashes only, so the replays lacked: authorization \(3\), cookie \(3\), x-api-key \(3\)/);

  const [echo, say, session] = linesOf(json);
  t.deepEqual(echo.redacted, ['authorization', 'cookie', 'x-api-key']);
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the command printed
  const at = (line: any, path: string) => line.differences.find((each: {path: string}) => each.path === path)?.meaning;
  t.is(at(echo, '/headers/Authorization'), 'redacted');
  t.is(at(echo, '/all/X-Api-Key'), 'redacted');
  t.is(at(echo, '/token'), 'changed', 'of a part of a secret nobody knows that it is one');
  t.is(at(say, ''), 'changed');
  t.is(session.verdict, 'noise');
  t.is(at(session, 'set-cookie'), 'redacted');

  // Two versions are compared as they are: both lack the same.
  const alike = await replay(file, [...ids, '--against', orders]);
  t.is(alike.code, 0, alike.stdout);
  t.regex(alike.stdout, /same 3/);
});
