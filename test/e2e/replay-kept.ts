import test from 'ava';
import {newJournal, record, serve} from '../helpers/replay.ts';
import {ask} from '../helpers/request.ts';

test('the API keeps comparisons of invocations that it knows, and nothing else', async t => {
  const core = await serve(t, await newJournal(t));
  const url = `${core.adminUrl}/api/replays`;
  const [id = ''] = await record(core, ['count=1']);
  const post = (body: unknown, headers = {}) =>
    ask(url, {method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body)});
  t.is((await ask(url)).status, 405);
  t.is((await post([{invocationId: id, verdict: 'same'}], {Origin: 'https://elsewhere.example'})).status, 403);
  for (const body of [
    '',
    '{',
    {},
    [],
    [null],
    [{invocationId: id}],
    [{invocationId: id, verdict: 'good'}],
    [{invocationId: '../x', verdict: 'same'}],
    [{invocationId: id, verdict: 'same', baseline: 'abc'}],
    Array.from({length: 1001}, () => ({invocationId: id, verdict: 'same'})),
  ]) {
    t.is((await post(body)).status, 400, JSON.stringify(body).slice(0, 80));
  }
  t.is((await post(' '.repeat(2 ** 20 + 1))).status, 413);
  const unknown = await post([
    {invocationId: id, verdict: 'same'},
    {invocationId: 'nobody', verdict: 'same'},
  ]);
  t.is(unknown.status, 409);
  const facts = async () => (await ask(`${core.adminUrl}/api/facts?stream=replay.`)).text();
  t.is(await facts(), '');
  t.deepEqual((await post([{invocationId: id, verdict: 'body', more: 'canary'}])).json(), {kept: 1});
  t.deepEqual(JSON.parse(await facts()).data, {invocationId: id, verdict: 'body'});
});
