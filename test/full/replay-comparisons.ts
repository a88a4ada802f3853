import test from 'ava';
import {runCli} from '../helpers/core.ts';
import {broken, fixture, keptOf, linesOf, newJournal, record, replay, serve} from '../helpers/replay.ts';
import {metric} from '../helpers/supervision.ts';

/** What is recorded without waiting is on the disk a little later. */
async function settled(file: string, ids: readonly string[]): Promise<void> {
  for (;;) {
    const lines = linesOf(await runCli(['facts', '--json', '--stream', 'invocation.', '--journal', file]));
    if (ids.every(id => lines.some(({stream, type}) => stream === `invocation.${id}` && type === 'invocation.settled'))) return;
  }
}

test('without the core: what is recorded is compared with the code of now, and what was found is kept', async t => {
  const file = await newJournal(t);
  const core = await serve(t, file);
  const bytes = {method: 'POST', body: Buffer.from([0, 255])};
  const ids = [...(await record(core, ['count=1', 'count=2', 'do=throw'])), ...(await record(core, ['do=bytes'], bytes))];
  await core.stop();

  const same = await replay(file, ['--since', '1h', '--json']);
  t.is(same.code, 0, same.stdout + same.stderr);
  t.is(same.stderr, '');
  t.deepEqual(
    linesOf(same).map(({type, invocationId, verdict, expected}) => [type, invocationId, verdict, expected]),
    [
      ['replay.compared', ids[0], 'noise', '200'],
      ['replay.compared', ids[1], 'noise', '200'],
      ['replay.compared', ids[2], 'same', '500 HANDLER_FAILED'],
      ['replay.compared', ids[3], 'same', '200'],
    ],
  );
  const [first] = linesOf(same);
  t.deepEqual([...first.noise].sort(), ['body /at', 'body /calls', 'body /id', 'body /instance']);
  t.is(first.code.recorded, first.code.baseline);

  const kept = await keptOf(file);
  t.deepEqual(
    kept.map(({stream, type}) => [stream, type]),
    ids.map(id => [`replay.${id}`, 'replay.compared']),
  );
  t.deepEqual(kept[0].data, {invocationId: ids[0], verdict: 'noise', baseline: first.code.baseline});
  t.is((await runCli(['journal', 'verify', file])).code, 0);
  const invocations = linesOf(await runCli(['invocations', '--json', '--journal', file]));
  t.is(invocations.length, ids.length, 'a replay is no invocation');

  // The code of now is another one: its regression shows against what was recorded, and the report says why.
  const [three = ''] = await (async () => {
    const again = await serve(t, file);
    const found = await record(again, ['count=3']);
    await again.stop();
    return found;
  })();
  const changed = await replay(file, [three], {SCW_HANDLER_PATH: broken});
  t.is(changed.code, 1);
  t.regex(changed.stdout, /1 recorded with other code than test\/fixtures\/functions\/replay\/orders-broken\.cjs has now/);
  t.regex(changed.stdout, /--- recorded\n {2}\+\+\+ replayed\n(.*\n)+? {2}- {3}"total": 30\n {2}\+ {3}"total": 29\n/);
});

test('while the core runs: another version is compared, through the core it is kept, and the core counts nothing', async t => {
  const file = await newJournal(t);
  const core = await serve(t, file);
  const ids = await record(core, ['count=1', 'count=3', 'count=4', 'count=5']);
  await settled(file, ids);
  const counted = await metric(core, 'faas_invocations_total{trigger="http",outcome="ok"}');
  const admin = {CORE_ADMIN_PORT: new URL(core.adminUrl).port};

  const ended = await replay(file, ['--since', '1h', '--against', broken], admin);
  t.is(ended.code, 1);
  t.is(ended.stderr, '');
  t.regex(ended.stdout, /same 0 {3}noise 1 {3}status 1 {3}headers 0 {3}body 1 {3}error 1/);
  t.regex(ended.stdout, /GET \/orders +200 +500 HANDLER_FAILED +error, status/);
  t.regex(ended.stdout, /--- baseline\n {2}\+\+\+ test\/fixtures\/functions\/replay\/orders-broken\.cjs/);
  t.regex(ended.stdout, /- status 200\n {2}\+ status 400/);
  t.regex(ended.stdout, /"id": «noise»/);

  const kept = await keptOf(file);
  t.deepEqual(kept.map(({data}) => data.verdict).sort(), ['body', 'error', 'noise', 'status']);
  t.true(kept.every(({data}) => data.baseline !== data.candidate && /^[0-9a-f]{64}$/.test(data.candidate)));
  t.is(await metric(core, 'faas_invocations_total{trigger="http",outcome="ok"}'), counted);

  const only = async (...args: string[]) => (await replay(file, [...ids, '--against', broken, '--json', ...args], admin)).code;
  t.is(await only('--fail-on', 'headers'), 0);
  t.is(await only('--fail-on', 'headers,error'), 1);
  const sampled = await replay(file, ['--since', '1h', '--sample', '2', '--json'], admin);
  t.deepEqual(
    linesOf(sampled).map(({invocationId}) => invocationId),
    [ids[1], ids[3]],
  );

  // The core of another function answers there, or none does: what was found is told all the same.
  const other = await serve(t, await newJournal(t));
  const before = (await keptOf(file)).length;
  for (const [port, why] of [
    [new URL(other.adminUrl).port, /not kept in the journal: the core that answers here has another journal/],
    ['1', /not kept in the journal: no core answers/],
  ] as const) {
    const unkept = await replay(file, [ids[0] ?? ''], {CORE_ADMIN_PORT: port});
    t.is(unkept.code, 0);
    t.regex(unkept.stderr, why);
  }
  t.is((await keptOf(file)).length, before);
  t.is(await core.stop(), 0);
});

test('a Python function is compared with itself, and with the same in another language', async t => {
  const python = fixture('orders.py');
  const file = await newJournal(t);
  const core = await serve(t, file, {SCW_HANDLER_PATH: python});
  const ids = await record(core, ['count=1', 'count=3']);
  await core.stop();
  const env = {SCW_HANDLER_PATH: python};
  const same = await replay(file, [...ids, '--json'], env);
  t.is(same.code, 0, same.stderr);
  t.deepEqual(
    linesOf(same).map(({verdict}) => verdict),
    ['noise', 'noise'],
  );
  const ported = await replay(file, [...ids, '--against', fixture('orders.mjs')], env);
  t.is(ported.code, 1, ported.stderr);
  t.regex(ported.stdout, /noise 1 .*body 1/);
  t.regex(ported.stdout, /- {3}"total": 30\n {2}\+ {3}"total": 29/);
});
