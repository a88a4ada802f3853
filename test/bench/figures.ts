import test from 'ava';
import {comparison} from '../../bench/comparison.ts';
import {markdownTable, paired, shown, spreadOf} from '../../bench/figures.ts';
import {wrkScript} from '../../bench/load.ts';

test('what was not measured is a dash, not a number', t => {
  t.is(shown(spreadOf([Number.NaN])), '–');
  t.is(shown(spreadOf([])), '–');
});

test('a figure shows its median between minimum and maximum, with as many digits as it deserves', t => {
  t.is(shown(spreadOf([1.111, 3, 2])), '2.00 (1.11–3.00)');
  t.is(shown(spreadOf([12_345.6, 20_000, 11_000])), '12,346 (11,000–20,000)');
  t.is(shown(spreadOf([41.26, 40, 50]), 'ms'), '41.3 ms (40.0–50.0)');
});

test('a ratio is taken round by round: a machine that slows down for both changes nothing', t => {
  t.deepEqual(paired([100, 50, 10], [50, 25, 5]), {min: 2, median: 2, max: 2});
  t.deepEqual(
    paired([5, 7, 9], [1, 2, 3], (one, other) => one - other),
    {min: 4, median: 5, max: 6},
  );
});

test('a round without its counterpart gives no figure', t => {
  t.is(shown(paired([1, 2], [1])), '–');
});

test('a table has a row for each', t => {
  t.is(markdownTable(['a', 'b'], [['1', '2']]), '| a | b |\n| --- | --- |\n| 1 | 2 |');
});

test('a comparison calls better or worse only what lies apart from what is recorded', t => {
  const recorded = {
    'requests/s, core / bridge': {min: 0.4, median: 0.5, max: 0.6},
    'exec to first 2xx, core': {min: 90, median: 100, max: 110},
  };
  const row = (found: Parameters<typeof comparison>[0]) => comparison(found, recorded).split('\n').at(-1);
  t.regex(row({'requests/s, core / bridge': {min: 0.55, median: 0.65, max: 0.7}}) ?? '', /\+30 %, within the spread/);
  t.regex(row({'requests/s, core / bridge': {min: 0.7, median: 0.75, max: 0.8}}) ?? '', /\+50 %, \*\*better\*\*/);
  t.regex(row({'requests/s, core / bridge': {min: 0.2, median: 0.25, max: 0.3}}) ?? '', /−50 %, \*\*worse\*\*/);
  t.regex(row({'exec to first 2xx, core': {min: 40, median: 50, max: 60}}) ?? '', /−50 %, \*\*better\*\*/);
  t.regex(row({'exec to first 2xx, core': {min: 190, median: 200, max: 210}}) ?? '', /\+100 %, \*\*worse\*\*/);
  t.regex(row({'resident idle, core': {min: 1, median: 1, max: 1}}) ?? '', /– \| not recorded/);
});

test('a text that has the brackets of wrk’s strings does not end its string', t => {
  const script = wrkScript({url: '', connections: 1, seconds: 1, headers: {'X-A': 'b'}, body: '{"a":"]==]"}'});
  t.true(script.includes('wrk.headers["X-A"] = [==[b]==]')); // not [[, which would begin a string of its own
  t.true(script.includes('wrk.body = [===[{"a":"]==]"}]===]'));
});
