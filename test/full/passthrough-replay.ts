import test from 'ava';
import {runCli} from '../helpers/core.ts';
import {jobsPlace} from '../helpers/jobs.ts';
import {linesOf} from '../helpers/replay.ts';
import {ask} from '../helpers/request.ts';

// Recorded requests of a server, run again in front of a server of now.

const full = {CORE_JOURNAL_HTTP: 'full'};

test('a request with a body was never whole, and says so', async t => {
  const {start, env, folder} = await jobsPlace(t, full);
  const core = await start();
  const id = (await ask(`${core.url}/a`, {method: 'POST', body: '{}'})).field('core-invocation-id');
  t.is(await core.stop(), 0);
  const ended = await runCli(['replay', '--json', '--journal', `${folder}/journal.db`, id], env);
  t.not(ended.code, 0);
  t.regex(ended.stdout + ended.stderr, /recorded without its request/);
});

test('requests are sent again as they came, and an answer that has changed is told', async t => {
  const {start, env, calls, folder} = await jobsPlace(t, full);
  const core = await start();
  const target = '/orders/a%20b/%C3%A9?x=2&x=1&y';
  const id = (await ask(core.url + target, {headers: {'X-A': '1'}})).field('core-invocation-id');
  t.is(await core.stop(), 0);
  const journal = `${folder}/journal.db`;
  const same = await runCli(['replay', '--json', '--journal', journal, id], env);
  t.is(same.code, 0, same.stdout + same.stderr);
  t.like(linesOf(same)[0], {invocationId: id, verdict: 'noise'});
  const again = calls().at(-1);
  t.like(again, {method: 'GET', url: target});
  t.is(again?.headers['x-a'], '1');
  const other = await runCli(['replay', '--json', '--journal', journal, id], {...env, LABEL: ' differently'});
  t.is(other.code, 1, other.stdout + other.stderr);
  t.like(linesOf(other)[0], {invocationId: id, verdict: 'body'});
});

test('work is sent again with its body', async t => {
  const {start, env, calls, folder} = await jobsPlace(t, {...full, CORE_WORK: 'on'});
  const core = await start();
  const accepted = await ask(`${core.url}/pay`, {method: 'POST', headers: {Prefer: 'respond-async'}, body: '{"reply":"paid"}'});
  const at = new URL(accepted.field('location'), core.url).href;
  while ((await ask(at)).json().status !== 'responded') await new Promise(resolve => setTimeout(resolve, 10));
  t.is(await core.stop(), 0);
  const id = accepted.field('core-invocation-id');
  const same = await runCli(['replay', '--json', '--journal', `${folder}/journal.db`, id], env);
  t.is(same.code, 0, same.stdout + same.stderr);
  t.like(linesOf(same)[0], {invocationId: id, verdict: 'noise'});
  t.like(calls().at(-1), {method: 'POST', url: '/pay', body: '{"reply":"paid"}'});
});

test('the API runs one again in the server that serves', async t => {
  const {start} = await jobsPlace(t, full);
  const core = await start();
  const id = (await ask(`${core.url}/a?b`)).field('core-invocation-id');
  const answer = await ask(`${core.adminUrl}/api/invocations/${id}/replay`, {method: 'POST'});
  t.is(answer.status, 200, answer.text());
});
