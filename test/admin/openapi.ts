import {validate} from '@readme/openapi-parser';
import test from 'ava';
import {viewCore} from '../../src/admin/core-view.ts';
import {joinSettings} from '../../src/settings/config.ts';
import {triggers} from '../../triggers/index.ts';
import {openPrivate} from '../helpers/admin.ts';
import {minute, openCore} from '../helpers/cron.ts';
import {type OpenApi, problemsOf} from '../helpers/openapi.ts';
import {ask} from '../helpers/request.ts';

async function opened(t: Parameters<typeof openCore>[0]) {
  const {schedules, journal, clock} = await openCore(t);
  await clock.advance(2 * minute);
  const process = {pid: 12, role: 'serving', spawnedAt: clock.now(), readyAt: clock.now(), calls: 1, residentBytes: 1} as const;
  const ended = {at: clock.now(), reason: 'signal', code: null, signal: 'SIGKILL', upMs: 1.5, sentence: 'It ended', lastWords: ''} as const;
  const {url} = await openPrivate(t, {
    journal,
    clock: Object.assign(clock, {sleep: async () => true}),
    schedules: () => schedules,
    traceUrl: 'https://jaeger.example/{traceId}',
    processes: async () => [viewCore([{phase: 'ready', processes: [process], ends: [{...ended, pid: 11}, ended]}], true)],
    settings: {table: joinSettings(triggers), env: {}, warnings: ['doubtful']},
    replay: async id => ({invocationId: id, notReplayable: 'unknown', reason: 'nothing', fix: 'none'}),
  });
  const document: OpenApi = (await ask(`${url}/api/openapi.json`)).json();
  return {url, document, schedules};
}

test('the description is valid, and has every route, each with an answer', async t => {
  const {document} = await opened(t);
  const result = await validate(structuredClone(document) as never);
  t.deepEqual(result.valid ? [] : result.errors, []);
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({path, method, ...operation})),
  );
  t.true(operations.length >= 25);
  t.is(new Set(operations.map(({operationId}) => operationId)).size, operations.length);
  for (const {path, method, responses, summary} of operations) {
    const [[status, {content}] = ['', {}]] = Object.entries(responses);
    t.true(status === '204' || content !== undefined, `${method} ${path} says what it answers`);
    t.true(summary.length > 5, path);
  }
  t.deepEqual(document.paths['/api/history']?.get?.parameters, [
    {name: 'window', in: 'query', required: false, schema: {type: 'string', enum: ['1h', '1m']}},
  ] as never);
});

test('what is answered is as it is described', async t => {
  const {url, document, schedules} = await opened(t);
  await schedules.pause('nightly', true);
  const [{id = ''} = {}] = (await ask(`${url}/api/invocations`)).json().invocations;
  const asked = [
    ['get', '/livez'],
    ['get', '/readyz'],
    ['get', '/api/session'],
    ['get', '/api/now'],
    ['get', '/api/history'],
    ['get', '/api/processes'],
    ['get', '/api/settings'],
    ['post', '/api/reload'],
    ['get', '/api/invocations', '?with=request&limit=1'],
    ['get', '/api/invocations/{id}'],
    ['post', '/api/invocations/{id}/replay'],
    ['get', '/api/schedules'],
    ['get', '/api/schedules/{name}/history'],
    ['post', '/api/schedules/{name}/pause'],
    ['post', '/api/schedules/{name}/resume'],
    ['post', '/api/schedules/{name}/fire', '?at=2026-01-01T11:00:30Z'],
    ['get', '/api/openapi.json'],
  ] as const;
  for (const [method, path, query = ''] of asked) {
    const answer = await ask(url + path.replace('{id}', id).replace('{name}', 'nightly') + query, {method: method.toUpperCase()});
    t.is(problemsOf(document, method, path, answer.status, answer.json()), '', `${method} ${path}`);
  }
});

test('without the token nobody gets the description', async t => {
  const {url} = await openPrivate(t, {token: 'secret'});
  t.is((await ask(`${url}/api/openapi.json`)).status, 403);
});
