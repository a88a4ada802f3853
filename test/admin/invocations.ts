import http from 'node:http';
import test from 'ava';
import type {FactTypes} from '../../src/facts.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {redactor, writeReply, writeRequest} from '../../src/journals/payload.ts';
import {openPrivate as openAt} from '../helpers/admin.ts';
import {ManualClock} from '../helpers/clock.ts';
import {ask as askAt} from '../helpers/request.ts';

const ask = async (url: string, path: string) => askAt(`${url}/api/invocations${path}`);
const redact = redactor('');

/** A listener whose clock stands still, but that does not pause between two pages. */
function openPrivate(t: Parameters<typeof openAt>[0], some: Parameters<typeof openAt>[1] = {}) {
  const clock = Object.assign(new ManualClock(), {sleep: async () => true});
  const journal = new MemoryJournal(clock);
  return openAt(t, {...some, clock, journal}).then(opened => ({...opened, clock, journal}));
}

interface Kept {
  readonly id: string;
  readonly path?: string;
  readonly source?: string;
  readonly body?: Buffer;
  readonly traceparent?: string;
  readonly settled?: Partial<FactTypes['invocation.settled']>;
}

/** Keeps an invocation as a core does; without `settled` it runs. */
function keep(journal: MemoryJournal, {id, path, source = 'http', body = Buffer.from('{}'), traceparent, settled}: Kept) {
  const stream = `invocation.${id}`;
  const data = {source, bytes: body.length, attempt: 1, ...(traceparent !== undefined && {traceparent})};
  const request = {
    shape: 'request' as const,
    eventType: 'http',
    reply: 'http' as const,
    method: 'POST',
    path: path ?? '',
    query: '?a=1',
    headers: ['Authorization', 'Bearer secret', 'X-Name', '<b>'],
    sourceIp: '10.0.0.1',
    body,
  };
  const payloads = path === undefined ? [] : [{name: `${stream}/request`, bytes: writeRequest(request, redact)}];
  journal.record(stream, [{type: 'invocation.accepted', data}], payloads);
  if (!settled) return;
  const reply = {status: 200, headers: ['Content-Type', 'text/html'], body: '<script>alert(1)</script>'};
  journal.record(
    stream,
    [{type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 3, ...settled}}],
    path === undefined ? [] : [{name: `${stream}/reply`, bytes: writeReply(reply as never, redact)}],
  );
}

const ids = (answer: {json(): {invocations: {id: string}[]}}) => answer.json().invocations.map(({id}) => id);

for (const [query, message] of [
  ['?status=done', /^status: expected one of/],
  ['?since=soon', /^since: expected a duration/],
  ['?limit=0', /^limit: expected 1 to 1000/],
  ['?before=1', /^before: expected `next`/],
  ['?before=1-2-3', /^before: expected `next`/],
  ['/live?status=done', /^status: expected one of/],
] as const) {
  test(`${query} is refused`, async t => {
    const {url} = await openPrivate(t);
    const answer = await ask(url, query);
    t.is(answer.status, 400);
    t.regex(answer.json().error.message, message);
  });
}

test('what is not kept is not found, and the answer names the settings', async t => {
  const {url, journal} = await openPrivate(t);
  keep(journal, {id: 'a', settled: {}});
  for (const path of ['/a/request/body', '/a/reply/body', '/unknown/request/body']) {
    const answer = await ask(url, path);
    t.is(answer.status, 404);
    t.regex(answer.json().error.message, /is not kept: see CORE_JOURNAL_HTTP/);
  }
});

test('the list has filters', async t => {
  const {url, journal} = await openPrivate(t);
  keep(journal, {id: 'a1', settled: {}});
  keep(journal, {id: 'a2', source: 'cron:nightly', settled: {outcome: 'failed', status: 500, code: 'HANDLER_FAILED'}});
  keep(journal, {id: 'b1', source: 'cronos'});
  t.deepEqual(ids(await ask(url, '')), ['b1', 'a2', 'a1']);
  t.deepEqual(ids(await ask(url, '?source=cron')), ['a2']);
  t.deepEqual(ids(await ask(url, '?source=cron:nightly')), ['a2']);
  t.deepEqual(ids(await ask(url, '?id=a')), ['a2', 'a1']);
  t.deepEqual(ids(await ask(url, '?code=HANDLER_FAILED')), ['a2']);
  t.deepEqual(ids(await ask(url, '?status=running')), ['b1']);
  t.deepEqual(ids(await ask(url, '?status=running&id=a')), []);
});

test('pages follow one another without a gap, and what goes on meanwhile is not shown twice', async t => {
  const {url, journal, clock} = await openPrivate(t);
  for (let index = 0; index < 25; index++) {
    keep(journal, {id: `i${index}`, ...(index % 5 !== 0 && {settled: {}})});
    await clock.advance(index === 10 ? 600_000 : 100);
  }
  const seen: string[] = [];
  let before = '';
  for (let page = 0; page < 10; page++) {
    const answer = await ask(url, `?limit=4${before}`);
    seen.push(...ids(answer));
    if (page === 1) keep(journal, {id: 'i0', settled: {}}); // it ends while somebody turns pages
    const {next} = answer.json();
    if (next === undefined) break;
    before = `&before=${next}`;
  }
  t.deepEqual(
    seen,
    Array.from({length: 25}, (_, index) => `i${24 - index}`).filter(id => id !== 'i0'),
  );
});

test('with what was asked, where that is kept; a search for a path goes on where it ended', async t => {
  const {url, journal} = await openPrivate(t);
  keep(journal, {id: 'a', path: '/todos/1', settled: {}});
  keep(journal, {id: 'b', settled: {}});
  keep(journal, {id: 'large', path: '/todos/large', body: Buffer.alloc(70_000), settled: {}});
  for (let index = 0; index < 1200; index++) keep(journal, {id: `n${index}`, path: '/other', settled: {}});
  const some = (await ask(url, '?with=request&limit=1000')).json();
  t.like(some.invocations[0], {id: 'n1199', method: 'POST', path: '/other', query: '?a=1'});
  const first = (await ask(url, '?path=todos')).json();
  t.deepEqual(first.invocations, []);
  const second = (await ask(url, `?path=todos&before=${first.next}`)).json();
  t.deepEqual(
    second.invocations.map(({id}: {id: string}) => id),
    ['a'],
  );
  t.is(second.next, undefined);
});

test('bodies as they were kept, as bytes that no browser shows as a page', async t => {
  const {url, journal} = await openPrivate(t);
  const body = Buffer.alloc(300_000, 'x');
  keep(journal, {id: 'a', path: '/x', body, settled: {}});
  t.deepEqual((await ask(url, '/a/request/body')).body, body);
  const shown = await ask(url, '/a/reply/body');
  t.is(shown.text(), '<script>alert(1)</script>');
  t.is(shown.field('content-type'), 'application/octet-stream');
  t.is(shown.field('x-content-type-options'), 'nosniff');
  t.regex(shown.field('content-disposition'), /^attachment; filename="a-reply"$/);
});

test('an invocation has its trace, and a link to it when the settings have one', async t => {
  const traceparent = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`;
  const {url, journal} = await openPrivate(t, {traceUrl: 'https://jaeger.example/trace/{traceId}?x={traceId}'});
  keep(journal, {id: 'a', traceparent, settled: {}});
  const trace = 'ab'.repeat(16);
  t.like((await ask(url, '/a')).json(), {traceId: trace, traceUrl: `https://jaeger.example/trace/${trace}?x=${trace}`});
  const other = await openPrivate(t);
  keep(other.journal, {id: 'a', traceparent, settled: {}});
  t.is((await ask(other.url, '/a')).json().traceUrl, undefined);
});

test('an invocation that nothing is known of is named in the answer, as far as a line takes it', async t => {
  const {url} = await openPrivate(t);
  for (const [path, id] of [
    ['a', 'a'],
    ['a%0Ab', 'a\\nb'],
    ['x'.repeat(1000), 'x'.repeat(100)],
  ] as const) {
    const answer = await askAt(`${url}/api/invocations/${path}`);
    t.is(answer.status, 404);
    t.is(answer.json().error.message, `nothing is known of \`${id}\`; refused requests are not kept`);
  }
});

/** The events of a stream, as they come. */
async function listen(t: {teardown(undo: () => void): void}, url: string) {
  const request = http.get(url, {headers: {Accept: 'text/event-stream'}, agent: false});
  t.teardown(() => request.destroy());
  request.on('error', () => {});
  const response = await new Promise<http.IncomingMessage>(resolve => request.once('response', resolve));
  let text = '';
  response.setEncoding('utf8').on('data', chunk => {
    text += chunk;
  });
  return {
    status: response.statusCode,
    async events(count: number, clock: {advance(ms: number): Promise<void>}) {
      for (let turn = 0; turn < 500; turn++) {
        const data = [...text.matchAll(/^event: invocations\ndata: (.*)$/gm)].map(([, line = '']) => JSON.parse(line));
        if (data.length >= count) return data;
        await clock.advance(200);
        await new Promise(resolve => setImmediate(resolve));
      }
      throw new Error(`Expected ${count} events, got ${text}`);
    },
  };
}

test('the stream has each invocation when it begins and when it ends, also one that began before', async t => {
  const {url, journal, clock} = await openAt(t);
  keep(journal, {id: 'old', source: 'cron:nightly'});
  const {events} = await listen(t, `${url}/api/invocations/live?with=request`);
  keep(journal, {id: 'a', path: '/x'});
  const [begun] = await events(1, clock);
  t.like(begun, {more: 0});
  t.like(begun.invocations[0], {id: 'a', status: 'running', path: '/x', method: 'POST'});
  journal.record('invocation.a', [{type: 'invocation.settled', data: {outcome: 'failed', status: 500, durationMs: 3}}]);
  journal.record('invocation.old', [{type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 3}}]);
  const [, ended] = await events(2, clock);
  t.deepEqual(
    ended.invocations.map(({id, status, source}: Record<string, string>) => [id, status, source]),
    [
      ['a', 'failed', 'http'],
      ['old', 'responded', 'cron:nightly'],
    ],
  );
});

test('a stream of failures of schedules has nothing else; under load the newest are sent and the others counted', async t => {
  const {url, journal, clock} = await openAt(t);
  const {events} = await listen(t, `${url}/api/invocations/live?status=failed&source=cron`);
  const all = await listen(t, `${url}/api/invocations/live`);
  for (let index = 0; index < 300; index++) keep(journal, {id: `n${index}`, settled: {}});
  keep(journal, {id: 'c', source: 'cron:nightly', settled: {outcome: 'failed', status: 500}});
  const [failed] = await events(1, clock);
  t.deepEqual([failed.invocations.map(({id}: {id: string}) => id), failed.more], [['c'], 0]);
  const [loaded] = await all.events(1, clock);
  t.deepEqual([loaded.invocations.length, loaded.more, loaded.invocations.at(-1).id], [200, 101, 'c']);
});

test('one replay runs at a time, and a caller that leaves breaks it off', async t => {
  const running = Promise.withResolvers<object>();
  const signals: AbortSignal[] = [];
  const {url} = await openPrivate(t, {
    replay(_, signal) {
      signals.push(signal);
      return running.promise;
    },
  });
  const path = `${url}/api/invocations/a/replay`;
  t.is((await askAt(path, {method: 'POST', headers: {origin: 'https://evil.example'}})).status, 403);
  const first = askAt(path, {method: 'POST'});
  while (signals.length === 0) await new Promise(resolve => setImmediate(resolve));
  const second = await askAt(path, {method: 'POST'});
  t.is(second.status, 409);
  t.false(signals[0]?.aborted);
  running.resolve({verdict: 'same'});
  t.is((await first).json().verdict, 'same');
  t.is((await askAt(path, {method: 'POST'})).status, 200);
});
