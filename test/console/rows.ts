import test from 'ava';
import {leavesGap, merged, mostRows} from '../../src/console/rows.js';

const row = (id: string, acceptedAt: number, status = 'responded') => ({id, acceptedAt, status});
const news = (...rows: ReturnType<typeof row>[]) => new Map(rows.map(each => [each.id, each]));

test('a row that is over does not run again when older news of it comes late', t => {
  t.is(merged([row('a', 1)], news(row('a', 1, 'running')), '')[0]?.status, 'responded');
});

test('a row that no longer fits the filter leaves', t => {
  t.deepEqual(merged([row('a', 1, 'running')], news(row('a', 1, 'failed')), 'running'), []);
});

test('new rows stand by their time, also those that come late', t => {
  const rows = merged([row('a', 1), row('c', 3)], news(row('d', 4), row('b', 2)), '');
  t.deepEqual(
    rows.map(({id}) => id),
    ['a', 'b', 'c', 'd'],
  );
});

test('news keeps what was known of a row', t => {
  const known = {...row('a', 1, 'running'), path: '/x'};
  t.like(merged([known], news(row('a', 1, 'failed')), '')[0], {path: '/x', status: 'failed'});
});

test('the oldest rows go when there are too many', t => {
  const rows = Array.from({length: mostRows}, (_, index) => row(`old-${index}`, index));
  const grown = merged(rows, news(row('new', mostRows + 1)), '');
  t.is(grown.length, mostRows);
  t.is(grown[0]?.id, 'old-1');
  t.is(grown.at(-1)?.id, 'new');
});

test('without news the rows are the same object, so that nothing is drawn again', t => {
  const rows = [row('a', 1)];
  t.is(merged(rows, new Map(), ''), rows);
});

test('a page that does not reach back to the rows before a break leaves a gap', t => {
  t.true(leavesGap([row('a', 1)], [row('d', 4), row('c', 3)], 'next'));
  t.false(leavesGap([row('a', 1), row('b', 2)], [row('c', 3), row('b', 2)], 'next'));
  t.false(leavesGap([row('a', 1)], [row('c', 3)], undefined), 'nothing is behind the page');
  t.false(leavesGap([], [row('c', 3)], 'next'));
});
