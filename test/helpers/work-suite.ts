import test, {type ExecutionContext} from 'ava';
import {Pause} from '../../src/pause.ts';
import {workOf} from '../../src/work/pause.ts';

import {workEndsSuite} from './work-ends-suite.ts';
import {again, limits, type Open, opened as openedBy, reason, redriven, settled} from './work-place.ts';

/** What every engine that keeps work must do, refusals first: keys, claims, order, limits, and how work ends. */
export function workSuite(name: string, open: Open): void {
  const opened = (t: ExecutionContext) => openedBy(t, open);
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

  workEndsSuite(name, open);
}
