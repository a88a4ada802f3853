import {StatementSync} from 'node:sqlite';
import test, {type ExecutionContext} from 'ava';
import {writeLine} from '../../src/journals/sqlite/line.ts';
import type {Command} from '../../src/journals/sqlite/messages.ts';
import {SqliteStore} from '../../src/journals/sqlite/store.ts';
import {folderWith} from '../helpers/folder.ts';

/* Payloads of work that waits stay at any age. A sweep looks at few of them at a time, as the next commit waits for it. */

const hour = 3_600_000;
const retention = {factsMs: 1e12, payloadsMs: hour, maxBytes: 2 ** 40};
const waiting = 3000;
const perStep = 1024;

/** How many items are looked up while something is done. */
function lookups<T>(act: () => T): {readonly result: T; readonly count: number} {
  const {get} = StatementSync.prototype;
  let count = 0;
  StatementSync.prototype.get = function (this: StatementSync, ...values: unknown[]) {
    if (this.sourceSQL.includes('FROM work WHERE id')) count++;
    return Reflect.apply(get, this, values);
  };
  try {
    return {result: act(), count};
  } finally {
    StatementSync.prototype.get = get;
  }
}

async function storeOf(t: ExecutionContext): Promise<SqliteStore> {
  const store = new SqliteStore(`${await folderWith(t, {})}/journal.db`);
  t.teardown(() => store[Symbol.dispose]());
  for (let from = 0; from < waiting; from += 500) {
    store.commit(
      Array.from({length: 500}, (_, each): Command => {
        const id = `item-${from + each}`;
        const item = {id, acceptedAt: from, due: 1e15};
        const payloads = [{name: `invocation.${id}/request`, bytes: Buffer.from('x')}];
        return {
          stream: `invocation.${id}`,
          text: '',
          count: 0,
          payloads,
          work: {kind: 'enqueue', item, key: undefined, claims: false, most: 1e6},
        };
      }),
      from,
    );
  }
  store.commit(
    [
      {
        stream: 'runtime.a',
        text: '',
        count: 0,
        payloads: Array.from({length: 70}, (_, each) => ({name: `free-${each}`, bytes: Buffer.alloc(100)})),
      },
    ],
    waiting,
  );
  return store;
}

test.serial('a step of a sweep looks at no more payloads than its bound, and the sweep comes to those behind them', async t => {
  const store = await storeOf(t);
  const steps: {payloads: number; count: number}[] = [];
  for (let after: number | undefined = 0; after !== undefined; ) {
    const {result, count} = lookups(() => store.sweep(retention, 2 * hour, after ?? 0));
    steps.push({payloads: result.payloads, count});
    after = result.next;
  }
  t.true(Math.max(...steps.map(({count}) => count)) <= perStep, JSON.stringify(steps));
  t.is(
    steps.reduce((sum, {payloads}) => sum + payloads, 0),
    70,
  );
  t.is(
    steps.reduce((sum, {count}) => sum + count, 0),
    waiting,
    'each is looked at once',
  );
});

test.serial('a journal that is too large finds what may go behind what waits, once', async t => {
  const store = await storeOf(t);
  let [removed, looked] = [0, 0];
  for (let after: number | undefined = 0; after !== undefined; ) {
    const {result, count} = lookups(() => store.sweep({...retention, maxBytes: 1}, Number.NEGATIVE_INFINITY, after ?? 0));
    removed += result.payloads;
    looked += count;
    t.true(count <= perStep);
    after = result.next;
  }
  t.is(removed, 70);
  t.is(looked, 2 * waiting, 'once on the way to them, and once to see that nothing is left');
});

test.serial('a full disk frees what may go behind what waits', async t => {
  const store = await storeOf(t);
  t.is(store.giveBack() + store.giveBack(), 70);
});

test.serial('facts go only when no payload may, also when the last search had stopped half-way', async t => {
  const store = await storeOf(t);
  store.commit(
    [{stream: 'runtime.b', text: writeLine('runtime.b', 1, {type: 'runtime.gave-up', data: {exits: 1, withinMs: 1}}), count: 1}],
    1,
  );
  store.commit(
    [{stream: 'runtime.c', text: writeLine('runtime.c', 1, {type: 'runtime.gave-up', data: {exits: 1, withinMs: 1}}), count: 1}],
    1,
  );
  t.is(store.giveBack(), 64, 'it stops behind those that wait');
  const [claimed] = store.commit(
    [{stream: 'work', text: '', count: 0, work: {kind: 'claim', most: 1, limits: {attempts: 1, deaths: 1}}}],
    1e15,
  );
  const {id = '', epoch = 0} = (claimed && 'claimed' in claimed && claimed.claimed?.[0]) || {};
  const stream = `invocation.${id}`;
  const text = writeLine(stream, 1, {type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 1}});
  store.commit([{stream, text, count: 1, work: {kind: 'settle', id, epoch}}], 1e15);
  const order: string[] = [];
  for (let after: number | undefined = 0; after !== undefined; ) {
    const before: number = after;
    const {payloads, next} = store.sweep({...retention, maxBytes: 1}, Number.NEGATIVE_INFINITY, before);
    if (payloads > 0) order.push(`${payloads} payloads`);
    if (next !== undefined && next > before) order.push('facts');
    after = next;
  }
  t.deepEqual(order, ['6 payloads', '1 payloads', 'facts']);
});
