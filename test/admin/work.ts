import test, {type ExecutionContext} from 'ava';
import type {WorkControl} from '../../src/admin/work/control.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import type {Claimed, WorkItem} from '../../src/work.ts';
import {openPrivate} from '../helpers/admin.ts';
import {ManualClock} from '../helpers/clock.ts';
import {type OpenApi, problemsOf} from '../helpers/openapi.ts';
import {ask} from '../helpers/request.ts';

const limits = {attempts: 8, deaths: 3};

/** A private listener over an engine, with what stands for the trigger that claims. */
async function opened(t: ExecutionContext) {
  const clock = new ManualClock();
  const journal = new MemoryJournal(clock);
  const store = journal.work;
  let isPaused = false;
  const runner = {
    get isPaused() {
      return isPaused;
    },
    pause(wish: boolean) {
      isPaused = wish;
    },
    wake() {},
    abort: () => true,
  };
  const control: WorkControl = {store, runner, waiters: 0, cancel: (id, change) => store.cancel(id, change)};
  const {url} = await openPrivate(t, {journal, clock, work: () => control});
  const document: OpenApi = (await ask(`${url}/api/openapi.json`)).json();
  return {clock, journal, store, put, die, claim, end, call};

  async function put(id: string, some: Partial<WorkItem> = {}) {
    const now = clock.now();
    const item = {id, acceptedAt: now, due: now, owner: 'secret-owner', callback: 'https://example.org/hook?key=secret', ...some};
    const accepted = {type: 'invocation.accepted', data: {source: 'work', bytes: 0, attempt: 1}} as const;
    await store.enqueue(item, {facts: [accepted], payloads: [], most: 1000});
    await clock.advance(1);
  }
  async function claim(): Promise<Claimed> {
    const [claimed] = await store.claim(1, limits);
    if (!claimed) throw new Error('Nothing is due');
    return claimed;
  }
  async function end(claimed: Claimed, status: number, failure?: string) {
    const outcome = failure === undefined ? 'responded' : 'dead-lettered';
    const settled = {type: 'invocation.settled', data: {outcome, status, durationMs: 1}} as const;
    const dead = failure === undefined ? undefined : ({why: 'exhausted', class: failure, status} as const);
    await store.settle(claimed, {facts: [settled], dead});
  }
  async function die(id: string, failure = 'timeout', status = 504) {
    await put(id);
    await end(await claim(), status, failure);
  }
  /** Every answer that is no error is as it is described. */
  async function call(method: string, path: string, body?: object) {
    const answer = await ask(url + path, {method, ...(body && {body: JSON.stringify(body)})});
    const described = Object.keys(document.paths).find(each =>
      new RegExp(`^${each.replace(/\{\w+\}/, '[^/]+')}$`).test(path.split('?')[0] ?? ''),
    );
    const known = document.paths[path.split('?')[0] ?? ''] ? (path.split('?')[0] ?? '') : (described ?? '');
    if (answer.status < 400)
      t.is(problemsOf(document, method.toLowerCase() as 'get', known, answer.status, answer.json()), '', `${method} ${path}`);
    await clock.advance(10); // readers pause between one another
    return {status: answer.status, body: answer.json()};
  }
}

test('what is no work, or no dead letter, is neither shown, cancelled nor dropped', async t => {
  const {call, die, put} = await opened(t);
  await die('a');
  await put('b');
  t.is((await call('GET', '/api/work/zzz')).status, 404);
  t.is((await call('DELETE', '/api/work/zzz')).status, 404);
  t.is((await call('DELETE', '/api/work/a')).status, 409);
  t.is((await call('GET', '/api/dead/b')).status, 404);
  t.is((await call('DELETE', '/api/dead/redrive')).status, 409);
  t.is((await call('GET', '/api/work?status=lost')).status, 400);
  t.is((await call('GET', '/api/work?status=waiting,')).status, 400);
  t.is((await call('GET', '/api/work?limit=501')).status, 400);
  t.deepEqual((await call('POST', '/api/dead/drop', {ids: ['b', 'a']})).body, {dropped: 1, unknown: ['b']});
});

test('work is counted and listed in pages, without what is secret', async t => {
  const {call, put, claim} = await opened(t);
  for (const id of ['a', 'b', 'c']) await put(id, {orderingKey: id === 'a' ? undefined : 'k'});
  await claim();
  const {body} = await call('GET', '/api/work?limit=2');
  t.like(body, {paused: false, running: 1, dead: 0, next: 'b'});
  t.is(body.waiting + body.behind, 2);
  t.false(JSON.stringify(body).includes('secret'));
  t.is((await call('GET', '/api/work?after=b')).body.items[0].id, 'c');
  t.deepEqual(
    (await call('GET', '/api/work?key=k')).body.items.map(({id}: {id: string}) => id),
    ['b', 'c'],
  );
  t.is((await call('GET', '/api/work/a')).body.facts.at(-1).type, 'attempt.started');
  t.is((await call('DELETE', '/api/work/a')).status, 202);
  t.deepEqual((await call('DELETE', '/api/work/b')).body.cancelled, true);
  t.is((await call('GET', '/api/work/b')).status, 404);
  t.deepEqual((await call('POST', '/api/work/pause')).body, {paused: true});
  t.deepEqual((await call('POST', '/api/work/resume')).body, {paused: false});
});

test('what operators do to work is a fact: pause, resume, drop', async t => {
  const {call, die, journal} = await opened(t);
  await die('a');
  await call('POST', '/api/work/pause');
  await call('POST', '/api/work/resume');
  await call('POST', '/api/dead/drop', {ids: ['a', 'unknown']});
  const facts = [];
  await call('POST', '/api/work/resume');
  for await (const {fact} of journal.scan('work')) facts.push(fact);
  t.is(facts.length, 3, 'what is no dead letter was not dropped, and what goes on was not resumed');
  t.like(facts[0], {type: 'work.paused', data: {core: 'core-1'}});
  t.like(facts[1], {type: 'work.resumed', data: {core: 'core-1'}});
  t.deepEqual(facts[2], {type: 'work.dropped', data: {invocationId: 'a'}});
});

test('work of several statuses is one list, which dead letters that are older do not fill', async t => {
  const {call, die, put, claim} = await opened(t);
  for (const id of ['a', 'b']) await die(id);
  for (const id of ['c', 'd', 'e']) await put(id, {orderingKey: id === 'c' ? undefined : 'k'});
  await claim();
  const idsOf = async (query: string) => {
    const {items, next} = (await call('GET', `/api/work?${query}`)).body;
    return [...items.map(({id}: {id: string}) => id), next];
  };
  t.deepEqual(await idsOf('status=waiting,behind,running&limit=2'), ['c', 'd', 'd']);
  t.deepEqual(await idsOf('status=running,behind,waiting&limit=2&after=d'), ['e', undefined]);
  t.deepEqual(await idsOf('status=running,dead'), ['a', 'b', 'c', undefined]);
  t.deepEqual(await idsOf('status=waiting,behind&key=k'), ['d', 'e', undefined]);
});

test('work that is over and posts its reply says so, and is not cancelled', async t => {
  const {call, put, claim, store} = await opened(t);
  await put('a');
  const settled = {type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 1}} as const;
  await store.settle(await claim(), {facts: [settled], posts: true});
  t.like((await call('GET', '/api/work')).body.items[0], {id: 'a', status: 'waiting', posting: true, attempts: 0});
  t.is((await call('DELETE', '/api/work/a')).status, 404);
});

test('a preview sends nothing, and a redrive sends those that are meant, at its rate', async t => {
  const {call, die, clock, store, journal} = await opened(t);
  await die('a');
  await die('b', 'crash', 502);
  await die('c');
  t.like((await call('POST', '/api/dead/redrive', {class: 'timeout', preview: true})).body, {count: 2, more: false});
  t.is((await store.census()).dead, 3);
  t.is((await call('POST', '/api/dead/redrive', {class: 'timeout', rate: 1})).status, 202);
  await clock.advance(0);
  t.is((await call('POST', '/api/dead/redrive', {})).status, 409);
  t.like((await call('GET', '/api/dead/redrive')).body.redrive, {state: 'sending', sent: 1});
  await clock.advance(1000);
  t.like((await call('GET', '/api/dead/redrive')).body.redrive, {state: 'done', sent: 2, skipped: 0});
  t.deepEqual(
    (await call('GET', '/api/dead')).body.items.map(({id}: {id: string}) => id),
    ['b'],
  );
  t.is((await journal.last('invocation.a'))?.fact.type, 'invocation.redriven');
});

test('when the first one fails again the others stay; when it succeeds they follow', async t => {
  const {call, die, clock, claim, end} = await opened(t);
  for (const id of ['a', 'b', 'c']) await die(id);
  for (const [failure, state, sent] of [
    ['timeout', 'failed', 1],
    [undefined, 'done', 3],
  ] as const) {
    await call('POST', '/api/dead/redrive', {canary: 1, rate: 1000});
    await clock.advance(600);
    t.like((await call('GET', '/api/dead/redrive')).body.redrive, {state: 'checking', sent: 1});
    await end(await claim(), failure ? 504 : 200, failure);
    await clock.advance(600);
    t.like((await call('GET', '/api/dead/redrive')).body.redrive, {state, sent});
  }
});

test('the first ones are checked, too, when no others follow', async t => {
  const {call, die, clock, claim, end} = await opened(t);
  await die('a');
  await call('POST', '/api/dead/redrive', {canary: 1});
  await clock.advance(600);
  t.like((await call('GET', '/api/dead/redrive')).body.redrive, {state: 'checking', sent: 1});
  await end(await claim(), 504, 'timeout');
  await clock.advance(600);
  t.like((await call('GET', '/api/dead/redrive')).body.redrive, {state: 'failed', sent: 1});
});

test('a redrive that is stopped sends nothing more', async t => {
  const {call, die, clock} = await opened(t);
  for (const id of ['a', 'b', 'c']) await die(id);
  await call('POST', '/api/dead/redrive', {rate: 1});
  await clock.advance(0);
  t.like((await call('DELETE', '/api/dead/redrive')).body.redrive, {state: 'stopped', sent: 1});
  await clock.advance(5000);
  t.is((await call('GET', '/api/dead')).body.items.length, 2);
});
