import test, {type ExecutionContext} from 'ava';
import type {Claimed} from '../../src/work.ts';

import {accepted, again, limits, type Open, opened as openedBy, reason, redriven, settled} from './work-place.ts';

/** How work ends: settled, cancelled, given up, dead and sent again; and what moves to another journal. */
export function workEndsSuite(name: string, open: Open): void {
  const opened = (t: ExecutionContext) => openedBy(t, open);
  const titled = (title: string) => `${name}: ${title}`;

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
