import test from 'ava';
import {startCore} from '../helpers/core.ts';
import {type OpenApi, problemsOf} from '../helpers/openapi.ts';
import {ask} from '../helpers/request.ts';
import {editableHandler} from '../helpers/supervision.ts';

const answering = (word: string) => `exports.handle = async event => {
  if (event.path === '/die') { process.stderr.write('no database\\n'); process.exit(3); }
  return {statusCode: 200, body: {word: '${word}'}};
};`;

test('signed in, a browser sees what a core did, why its function ended, and what newer code would answer', async t => {
  const {env, write} = await editableHandler(t, answering('old'));
  const settings = {
    SCW_PUBLIC: 'true',
    CORE_JOURNAL_HTTP: 'full',
    CORE_ADMIN_TOKEN: 'secret',
    CORE_TRACE_URL: 'https://traces.example/{traceId}',
  };
  const core = await startCore({...settings, ...env}, t);
  const at = (path: string) => `${core.adminUrl}${path}`;
  t.is((await ask(at('/api/now'))).status, 403);
  const signIn = await ask(at('/api/session'), {method: 'POST', body: '{"token": "secret"}', headers: {origin: core.adminUrl}});
  const headers = {cookie: signIn.field('set-cookie').split(';', 1)[0] ?? '', 'sec-fetch-site': 'same-origin'};
  const see = async (path: string, method = 'GET') => (await ask(at(path), {headers, method})).json();

  t.deepEqual((await ask(`${core.url}/todos?page=2`)).json(), {word: 'old'});
  t.is((await ask(`${core.url}/die`)).status, 502);
  const now = await see('/api/now');
  t.like(now.totals, {requests: 2, errors: 1, failures: 1});
  t.like(now.journal, {http: 'full'});

  let list = await see('/api/invocations?with=request');
  while (list.invocations.length < 2 || list.invocations.some(({status}: {status: string}) => status === 'running')) {
    list = await see('/api/invocations?with=request');
  }
  t.deepEqual(
    list.invocations.map(({method, path, replyStatus}: Record<string, unknown>) => [method, path, replyStatus]),
    [
      ['GET', '/die', 502],
      ['GET', '/todos', 200],
    ],
  );

  let {cores} = await see('/api/processes');
  while (cores[0].ends.length === 0) ({cores} = await see('/api/processes'));
  t.like(cores[0].ends[0], {reason: 'exit-nonzero', code: 3, lastWords: 'no database\n'});

  const document: OpenApi = await see('/api/openapi.json');
  const {id} = list.invocations[1];
  for (const path of ['now', 'history', 'processes', 'settings', 'invocations', 'invocations/{id}', 'session', 'schedules']) {
    t.is(problemsOf(document, 'get', `/api/${path}`, 200, await see(`/api/${path.replace('{id}', id)}`)), '', path);
  }

  await write(answering('new'));
  const replayed = await see(`/api/invocations/${id}/replay`, 'POST');
  t.is(replayed.verdict, 'body');
  t.is(problemsOf(document, 'post', '/api/invocations/{id}/replay', 200, replayed), '');
  t.like(replayed.differences[0], {path: '/word', meaning: 'changed', expected: '"old"', actual: '"new"'});
  t.deepEqual((await ask(core.url)).json(), {word: 'old'}); // the core serves what it did
  t.is((await see('/api/invocations/unknown/replay', 'POST')).notReplayable, 'unknown');

  const shown = JSON.stringify(await see('/api/settings'));
  t.false(shown.includes('"secret"'));
  t.true(shown.includes('(hidden)'));
  t.is(await core.stop(), 0);
});
