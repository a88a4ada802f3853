import test from 'ava';
import {DueHeap} from '../../src/journals/nats/work/due-heap.ts';
import {type Item, readItem, redriven, writeItem} from '../../src/journals/nats/work/item.ts';
import {Standing} from '../../src/journals/nats/work/standing.ts';

import {due, item} from '../helpers/nats-items.ts';

/* What a core makes of the messages about work, one by one. */

function hear(standing: Standing, ...items: Item[]): void {
  for (const each of items) {
    standing.apply(each.id, each.sequence, each);
    standing.reached(each.sequence);
  }
}

test('an older message about an item changes nothing, also after the item has ended', t => {
  const standing = new Standing();
  t.true(standing.apply('a', 5, item('a', 5, {status: 'running'})));
  t.false(standing.apply('a', 4, item('a', 4)));
  t.is(standing.get('a')?.status, 'running');
  t.true(standing.apply('a', 6, undefined));
  t.false(standing.apply('a', 5, item('a', 5)));
  standing.reached(7);
  t.false(standing.apply('a', 5, item('a', 5, {status: 'running', holder: 'other'})), 'as it was read before');
  t.is(standing.get('a'), undefined);
  t.is(standing.alive, 0);
});

test('of a key only the first is due, and the next one when that has ended, is dead or only posts its reply', t => {
  for (const [end, left] of [
    [undefined, ['b']],
    [item('a', 9, {status: 'dead', orderingKey: 'k', order: 1}), ['b']],
    [item('a', 9, {isCallback: true, order: 1}), ['a', 'b']],
  ] as const) {
    const standing = new Standing();
    hear(standing, item('a', 1, {orderingKey: 'k'}), item('b', 2, {orderingKey: 'k'}), item('c', 3, {orderingKey: 'other'}));
    t.deepEqual(due(standing), ['a', 'c']);
    hear(standing, item('a', 4, {orderingKey: 'k', status: 'running', order: 1}));
    t.deepEqual(due(standing), ['c']);
    standing.apply('a', 9, end);
    t.deepEqual(due(standing), [...left, 'c']);
  }
});

test('an item that this core has just written is not the first of its key before all that came earlier was heard', t => {
  const standing = new Standing();
  standing.apply('b', 20, item('b', 20, {orderingKey: 'k'}));
  t.deepEqual(due(standing), []);
  t.true(standing.isBehind(item('b', 20, {orderingKey: 'k'})));
  hear(standing, item('a', 10, {orderingKey: 'k'}));
  t.deepEqual(due(standing), ['a']);
  standing.apply('a', 30, undefined);
  t.deepEqual(due(standing), []);
  standing.reached(20);
  t.deepEqual(due(standing), ['b']);
});

test('a dead letter that is sent again stands behind those of its key', t => {
  const standing = new Standing();
  const dead = item('a', 3, {orderingKey: 'k', status: 'dead', order: 1, deadAt: 5, expires: 6});
  hear(standing, item('b', 2, {orderingKey: 'k'}), dead);
  const again = readItem({body: writeItem(redriven(dead, 0)), sequence: 4});
  standing.apply('a', 4, again);
  standing.reached(4);
  t.like(again, {order: 4, redriven: 1, expires: undefined, deadAt: undefined});
  t.deepEqual(due(standing), ['b']);
});

test('what is due stays due until it is claimed, the longest due first', t => {
  const standing = new Standing();
  hear(standing, item('c', 1, {due: 3}), item('b', 2, {due: 1}), item('a', 3, {due: 1}), item('d', 4, {due: 9}));
  for (let time = 0; time < 3; time++) t.deepEqual(due(standing, 5), ['a', 'b', 'c']);
  hear(standing, item('a', 5, {due: 7}));
  t.deepEqual(due(standing, 5), ['b', 'c']);
  t.is(standing.next()?.id, 'b');
  t.deepEqual(due(standing, 10), ['b', 'c', 'a', 'd']);
});

test('a heap gives everything back in order', t => {
  const heap = new DueHeap();
  const given = Array.from({length: 1000}, (_, index) => ({due: (index * 7919) % 101, id: String(index).padStart(4, '0')}));
  for (const {due: at, id} of given) heap.add(at, id);
  const taken = Array.from({length: 1000}, () => heap.take());
  t.deepEqual(
    taken,
    given.toSorted((a, b) => a.due - b.due || (a.id < b.id ? -1 : 1)),
  );
  t.is(heap.take(), undefined);
});
