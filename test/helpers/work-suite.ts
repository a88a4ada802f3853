import {randomUUIDv7} from 'node:crypto';
import test, {type ExecutionContext} from 'ava';
import type {Fact} from '../../src/facts.ts';
import {Pause} from '../../src/pause.ts';
import {workOf} from '../../src/work/pause.ts';
import type {Claimed, EnqueueOptions, WorkItem, WorkingJournal} from '../../src/work.ts';
import {ManualClock} from './clock.ts';

/*
What every engine that keeps work must do. Refusals first.
*/

const limits = {attempts: 3, deaths: 2};
const accepted: Fact = {type: 'invocation.accepted', data: {source: 'work', bytes: 0, attempt: 1}};
const settled: Fact = {type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 1}};
const again: Fact = {type: 'retry.scheduled', data: {attempt: 2, afterMs: 0}};
const redriven: Fact = {type: 'invocation.redriven', data: {deadForMs: 0}};
const reason = {why: 'exhausted', class: 'error', status: 500} as const;

export function workSuite(name: string, open: (t: ExecutionContext, clock: ManualClock) => Promise<WorkingJournal>): void {
  async function opened(t: ExecutionContext) {
    const clock = new ManualClock();
    const journal = await open(t, clock);
    t.teardown(() => journal[Symbol.asyncDispose]());
    const {work} = journal;
    const item = (some: Partial<WorkItem> = {}): WorkItem => ({id: randomUUIDv7(), acceptedAt: clock.now(), due: clock.now(), ...some});
    const send = (some: Partial<WorkItem> = {}, options: Partial<EnqueueOptions> = {}) => {
      const sent = item(some);
      return work.enqueue(sent, {facts: [accepted], payloads: [], most: 100, ...options}).then(enqueued => ({...enqueued, sent}));
    };
    const claim = async (most = 10) => (await work.claim(most, limits)).map(({id}) => id);
    const take = async () => (await work.claim(1, limits))[0] as Claimed; // the test has sent one
    const types = async (id: string) => {
      const facts = await Array.fromAsync(journal.read(`invocation.${id}`));
      return facts.map(({fact}) => fact.type);
    };
    return {clock, journal, work, item, send, claim, take, types};
  }

  const titled = (title: string) => `${name}: ${title}`;

  test(titled('an outdated claim neither settles nor retries, and writes nothing'), async t => {
    const {work, send, take, types} = await opened(t);
    const {sent} = await send();
    const {id, epoch} = await take();
    for (const outdated of [epoch - 1, epoch + 1]) {
      t.false(await work.settle({id, epoch: outdated}, {facts: [settled]}));
      t.false(await work.retryAt({id, epoch: outdated}, {facts: [again], due: 0, deaths: 0}));
    }
    t.false(await work.settle({id: 'none', epoch}, {facts: [settled]}));
    t.deepEqual(await types(sent.id), ['invocation.accepted', 'attempt.started']);
    t.true(await work.settle({id, epoch}, {facts: [settled]}));
    t.false(await work.settle({id, epoch}, {facts: [settled]}), 'it is over');
    t.deepEqual(await types(sent.id), ['invocation.accepted', 'attempt.started', 'invocation.settled']);
    t.is(await work.find(id), undefined);
  });

  test(titled('a pause is read by every core on the journal, is written once, and is over when one of them resumes work'), async t => {
    const {clock, journal} = await opened(t);
    const [one, other] = ['one', 'other'].map(core => new Pause(workOf(core), {journal, clock}));
    t.deepEqual(await other?.read(), {isPaused: false});
    const since = clock.now();
    await one?.set(true);
    t.deepEqual(await other?.read(), {isPaused: true, since});
    await clock.advance(1000);
    await other?.set(true);
    t.deepEqual(await one?.read(), {isPaused: true, since});
    await clock.advance(1_800_000);
    await Promise.all([one?.renew(), other?.renew()]);
    t.deepEqual(await one?.read(), {isPaused: true, since}, 'it is written again before it is old');
    await other?.set(false);
    await clock.advance(3_600_000);
    await one?.renew();
    t.like(await one?.read(), {isPaused: false});
    const types = (await Array.fromAsync(journal.read('work.pause'))).map(({fact}) => fact.type);
    t.deepEqual(types, ['work.paused', 'work.paused', 'work.resumed']);
  });

  test(titled('an id is given once, and a second one spoils nothing'), async t => {
    const {work, send, claim} = await opened(t);
    const {sent} = await send();
    const [twice, other] = await Promise.allSettled([send({id: sent.id}), send()]);
    t.is(twice.status === 'rejected' && twice.reason.name, 'RevisionConflict');
    t.is(other.status, 'fulfilled');
    t.is((await claim()).length, 2);
    t.is((await work.census()).waiting, 0);
  });

  test(titled('a key that was used gives the first request back, until it ends or is freed'), async t => {
    const {clock, work, send, types} = await opened(t);
    const key = {scope: 's', fingerprint: 'f', until: clock.now() + 1000};
    const first = await send({}, {key, claims: true});
    const second = await send({}, {key: {...key, fingerprint: 'other'}});
    t.like(second, {kind: 'known', id: first.sent.id, fingerprint: 'f'});
    t.deepEqual(await types(second.sent.id), [], 'nothing was written');
    t.is(first.kind, 'accepted');
    if (first.kind !== 'accepted' || !first.claimed) return t.fail();
    await work.settle(first.claimed, {facts: [settled]});
    t.is((await send({}, {key})).kind, 'known', 'it is kept after the end');
    await clock.advance(1001);
    const fresh = {...key, until: clock.now() + 1000};
    const third = await send({}, {key: fresh, claims: true});
    if (third.kind !== 'accepted' || !third.claimed) return t.fail();
    await work.settle(third.claimed, {facts: [settled], freesKey: true});
    t.is((await send({}, {key: fresh})).kind, 'accepted');
  });

  test(titled('no more items than allowed wait or run; dead letters do not count'), async t => {
    const {work, send, take} = await opened(t);
    await send({}, {most: 1});
    t.is((await send({}, {most: 1})).kind, 'full');
    const claimed = await take();
    t.is((await send({}, {most: 1})).kind, 'full');
    await work.settle(claimed, {facts: [settled], dead: reason});
    t.is((await send({}, {most: 1})).kind, 'accepted');
  });

  test(titled('an item is claimed once, not before it is due, the longest due first'), async t => {
    const {clock, send, claim} = await opened(t);
    const late = await send({due: clock.now() + 500});
    const soon = await send({due: clock.now() - 10});
    const now = await send();
    t.deepEqual(await claim(1), [soon.sent.id]);
    t.deepEqual(await claim(), [now.sent.id]);
    t.deepEqual(await claim(), []);
    await clock.advance(500);
    t.deepEqual(await claim(), [late.sent.id]);
  });

  test(titled('an item that its sender runs is claimed as it comes'), async t => {
    const {send, claim, types} = await opened(t);
    const sent = await send({}, {claims: true});
    if (sent.kind !== 'accepted') return t.fail();
    t.like(sent.claimed, {id: sent.sent.id, epoch: 1, attempts: 1, task: 'run'});
    t.deepEqual(await types(sent.sent.id), ['invocation.accepted', 'attempt.started']);
    t.deepEqual(await claim(), []);
  });

  test(titled('items of a key run one at a time and in order; a head that is tried again holds back its own key only'), async t => {
    const {clock, work, send, claim, take} = await opened(t);
    const [a1, a2, b1] = [await send({orderingKey: 'a'}), await send({orderingKey: 'a'}), await send({orderingKey: 'b'})];
    t.is((await work.find(a2.sent.id))?.status, 'behind');
    const head = await take();
    t.is(head.id, a1.sent.id);
    t.deepEqual(await claim(), [b1.sent.id]);
    await work.retryAt(head, {facts: [again], due: clock.now() + 100, deaths: 0});
    t.deepEqual(await claim(), []);
    await clock.advance(100);
    const second = await take();
    t.like(second, {id: a1.sent.id, attempts: 2, epoch: 2});
    await work.settle(second, {facts: [settled], dead: reason});
    t.deepEqual(await claim(), [a2.sent.id], 'a dead letter holds back nothing');
  });

  test(titled('what is cancelled behind its key starts no other, also none that was sent again'), async t => {
    const {clock, work, send, claim, take} = await opened(t);
    const first = await send({orderingKey: 'a'});
    await work.settle(await take(), {facts: [settled], dead: reason});
    await send({orderingKey: 'a'});
    const last = await send({orderingKey: 'a'});
    const running = await take();
    await work.redrive(first.sent.id, {facts: [redriven], due: clock.now()});
    t.is(await work.cancel(last.sent.id, {facts: [settled]}), 'behind');
    t.deepEqual(await claim(), []);
    await work.settle(running, {facts: [settled]});
    t.deepEqual(await claim(), [first.sent.id]);
  });

  test(titled('what comes at the same moment is one run per key, and no more than allowed'), async t => {
    const {clock, work, send} = await opened(t);
    const key = {scope: 's', fingerprint: 'f', until: clock.now() + 1000};
    const keyed = await Promise.all([send({}, {key}), send({}, {key}), send({}, {key})]);
    t.deepEqual(keyed.map(({kind}) => kind).sort(), ['accepted', 'known', 'known']);
    const some = await Promise.all([send({}, {most: 2}), send({}, {most: 2})]);
    t.deepEqual(some.map(({kind}) => kind).sort(), ['accepted', 'full']);
    const [claimed] = await work.claim(1, limits);
    if (!claimed) return t.fail();
    const ends = [work.settle(claimed, {facts: [settled]}), work.settle(claimed, {facts: [settled]})];
    t.deepEqual((await Promise.all(ends)).sort(), [false, true]);
  });

  test(titled('a dead letter that is dropped takes its secrets along'), async t => {
    const {journal, work, send, take} = await opened(t);
    const name = 'secrets';
    const {sent} = await send({}, {payloads: [{name, bytes: Buffer.from('secret')}]});
    const forgotten = [{name, bytes: Buffer.alloc(0)}];
    t.false(await work.drop(sent.id, forgotten));
    t.is((await journal.payload(name))?.length, 6, 'it is no dead letter');
    await work.settle(await take(), {facts: [settled], dead: reason});
    t.true(await work.drop(sent.id, forgotten));
    t.is((await journal.payload(name))?.length, 0);
  });

  test(titled('a try that did not reach the function costs no attempt'), async t => {
    const {clock, work, send, take} = await opened(t);
    await send();
    for (let time = 0; time < 5; time++) {
      const claimed = await take();
      t.is(claimed.attempts, 1);
      t.is(claimed.task, 'run');
      await work.retryAt(claimed, {facts: [again], due: clock.now(), deaths: 0, isFree: true});
    }
  });

  test(titled('an item that was not started by then is given up, one that was is not'), async t => {
    const {clock, work, send, take, types} = await opened(t);
    const {sent} = await send({expires: clock.now() + 100});
    await clock.advance(100);
    t.is((await take()).task, 'expire');
    t.deepEqual(await types(sent.id), ['invocation.accepted']);
    const other = await send({expires: clock.now() + 100});
    const claimed = await take();
    t.like(claimed, {id: other.sent.id, task: 'run'});
    await work.retryAt(claimed, {facts: [again], due: clock.now() + 200, deaths: 0});
    await clock.advance(200);
    t.is((await take()).task, 'run');
  });

  test(titled('what does not run can be cancelled, what runs or is over cannot'), async t => {
    const {work, send, take, types, claim} = await opened(t);
    t.is(await work.cancel('none', {facts: [settled]}), undefined);
    const [head, behind] = [await send({orderingKey: 'a'}), await send({orderingKey: 'a'})];
    const last = await send({orderingKey: 'a'});
    const claimed = await take();
    t.is(await work.cancel(head.sent.id, {facts: [settled]}), 'running');
    t.deepEqual(await types(head.sent.id), ['invocation.accepted', 'attempt.started']);
    t.is(await work.cancel(behind.sent.id, {facts: [settled]}), 'behind');
    t.deepEqual(await types(behind.sent.id), ['invocation.accepted', 'invocation.settled']);
    await work.settle(claimed, {facts: [settled]});
    t.deepEqual(await claim(), [last.sent.id]);
  });

  test(titled('a dead letter can be sent again with attempts anew, or dropped; nothing else can'), async t => {
    const {clock, work, send, take, types} = await opened(t);
    const {sent} = await send();
    const {id} = sent;
    t.false(await work.redrive(id, {facts: [redriven], due: 0}));
    t.false(await work.drop(id));
    await work.settle(await take(), {facts: [settled], dead: reason});
    t.like(await work.find(id), {status: 'dead', reason, attempts: 1, deadAt: clock.now()});
    t.like(await work.census(), {waiting: 0, running: 0, dead: 1, oldest: undefined, next: undefined});
    t.true(await work.redrive(id, {facts: [redriven], due: clock.now()}));
    const claimed = await take();
    t.like(claimed, {id, attempts: 1, task: 'run', redriven: 1});
    await work.settle(claimed, {facts: [settled], dead: reason});
    await work.redrive(id, {facts: [redriven], due: clock.now()});
    const second = await take();
    t.like(second, {id, redriven: 2});
    await work.settle(second, {facts: [settled], dead: reason});
    t.true(await work.drop(id));
    t.is(await work.find(id), undefined);
    t.is((await types(id)).filter(type => type === 'invocation.settled').length, 3);
  });

  test(titled('an item whose reply is to be posted is over, holds back nothing, and cannot be cancelled'), async t => {
    const {clock, work, send, take, types, claim} = await opened(t);
    const {sent} = await send({orderingKey: 'a', callback: 'https://hooks.example.com/'});
    const next = await send({orderingKey: 'a'});
    await work.settle(await take(), {facts: [settled], posts: true});
    t.is(await work.cancel(sent.id, {facts: [settled]}), undefined);
    const first = (await work.claim(1, limits)).find(({id}) => id === sent.id) ?? (await take());
    t.deepEqual(await claim(), first.id === sent.id ? [next.sent.id] : []);
    t.like(first, {id: sent.id, task: 'callback', attempts: 1, callback: 'https://hooks.example.com/'});
    await work.retryAt(first, {facts: [], due: clock.now(), deaths: 0});
    const second = await take();
    t.like(second, {task: 'callback', attempts: 2});
    t.true(await work.settle(second, {facts: []}));
    t.is(await work.find(sent.id), undefined);
    t.deepEqual(await types(sent.id), ['invocation.accepted', 'attempt.started', 'invocation.settled']);
  });

  test(titled('an item of another journal goes on where it stood there, and is taken over once'), async t => {
    const {clock, journal, work, item, send, claim, types} = await opened(t);
    if (!work.restore) return t.pass('nothing here outlives the core');
    const [ran, behind, later, dead] = [item({orderingKey: 'a'}), item({orderingKey: 'a'}), item({due: clock.now() + 50}), item()];
    for (const {id} of [ran, behind, later, dead]) await journal.append(`invocation.${id}`, [accepted]);
    const moved = [
      {...ran, status: 'running', attempts: 1, deaths: 0},
      {...behind, status: 'behind', attempts: 0, deaths: 0},
      {...later, status: 'waiting', attempts: 1, deaths: 1},
      {...dead, status: 'dead', attempts: 3, deaths: 0, reason, deadAt: clock.now()},
    ] as const;
    t.deepEqual(await Promise.all(moved.map(state => work.restore?.(state))), [true, true, true, true]);
    const here = await send({orderingKey: 'a'});
    t.deepEqual(await Promise.all(moved.map(state => work.restore?.(state))), [false, false, false, false]);
    t.like(await work.find(dead.id), {status: 'dead', reason, deadAt: clock.now()});
    t.like(await work.census(), {waiting: 2, due: 1, behind: 2, running: 0, dead: 1});
    const [lost, ...others] = await work.claim(10, limits);
    t.deepEqual(others, []);
    t.like(lost, {id: ran.id, task: 'run', attempts: 2, deaths: 1});
    t.deepEqual(await types(ran.id), ['invocation.accepted', 'attempt.failed', 'attempt.started']);
    t.true(await work.settle(lost as Claimed, {facts: [settled]}));
    t.deepEqual(await claim(), [behind.id]);
    await work.cancel(here.sent.id, {facts: [settled]});
    await clock.advance(50);
    const [again] = await work.claim(10, limits);
    t.like(again, {id: later.id, attempts: 2, deaths: 1});
    t.true(await work.redrive(dead.id, {facts: [redriven], due: clock.now()}));
    t.deepEqual(await claim(), [dead.id]);
  });

  test(titled('the census and the list say what there is'), async t => {
    const {clock, work, send, take} = await opened(t);
    const first = await send({orderingKey: 'a', owner: 'o'});
    await clock.advance(10);
    const [second, third] = [await send({orderingKey: 'a'}), await send({due: clock.now() + 50})];
    t.deepEqual(await work.census(), {
      waiting: 2,
      due: 1,
      behind: 1,
      running: 0,
      dead: 0,
      oldest: first.sent.acceptedAt,
      next: first.sent.due,
    });
    t.is(await work.nextDue(), first.sent.due);
    await take();
    t.is(await work.nextDue(), clock.now() + 50);
    t.like(await work.census(), {waiting: 1, due: 0, behind: 1, running: 1, next: clock.now() + 50});
    const ids = [first, second, third].map(({sent}) => sent.id).sort();
    t.deepEqual(
      (await work.list({limit: 10})).map(({id}) => id),
      ids,
    );
    t.is((await work.list({limit: 1, after: ids[0]}))[0]?.id, ids[1]);
    t.deepEqual(
      (await work.list({limit: 10, status: 'behind', orderingKey: 'a'})).map(({id}) => id),
      [second.sent.id],
    );
    t.like(await work.find(first.sent.id), {owner: 'o', orderingKey: 'a', status: 'running', attempts: 1});
  });
}
