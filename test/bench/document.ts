import {readFileSync} from 'node:fs';
import test from 'ava';
import {budgets, budgetTable, judge} from '../../bench/budgets.ts';
import {figuresBlock, recordedFigures, withResults} from '../../bench/document.ts';
import {projectFile} from '../helpers/core.ts';

const document = 'before\n<!-- bench: npm run bench -->\nold $& text\n<!-- /bench -->\nafter\n';

test('a document without the marks is refused', t => {
  t.throws(() => withResults('# nothing', 'new'), {message: /marks/});
});

test('a document that records nothing has no figures', t => {
  t.deepEqual(recordedFigures(document), {});
});

test('results replace what stood between the marks and nothing else', t => {
  t.is(withResults(document, 'new $& text\n\n'), 'before\n<!-- bench: npm run bench -->\nnew $& text\n<!-- /bench -->\nafter\n');
});

test('figures are read as they were written', t => {
  const figures = {
    'requests/s, core / bridge': {min: 0.3, median: 0.4, max: 0.5},
    'exec to first 2xx, core': {min: 101.26, median: 103.44444, max: 110},
  };
  const read = recordedFigures(withResults(document, `a table\n\n${figuresBlock(figures)}`));
  t.deepEqual(read, {
    'requests/s, core / bridge': {min: 0.3, median: 0.4, max: 0.5},
    'exec to first 2xx, core': {min: 101.3, median: 103.4, max: 110},
  });
});

test('figures of another name, and values that are not figures, are left out', t => {
  const block = '<!-- figures\n{"a figure of yore": [1, 2, 3], "exec to first 2xx, core": [1, 2], "resident idle, core": null}\n-->';
  t.deepEqual(recordedFigures(block), {});
});

test('the document of the project has its marks', t => {
  const text = readFileSync(projectFile('docs/benchmarks.md'), 'utf8');
  t.notThrows(() => withResults(text, 'new'));
  t.notThrows(() => recordedFigures(text));
});

test('a budget without its figure is not measured, and neither met nor missed', t => {
  t.is(budgets.length, 26);
  for (const budget of budgets) t.is(judge(budget, {}, budget.must), 'not measured');
});

test('the ratio to the Go core is computed from the published one: 11,100 to 60,000', t => {
  const throughput = budgets.find(({what}) => what === 'requests/s against the Go core, tracing off');
  if (!throughput) return t.fail();
  const found = throughput.judged({'requests/s, core / bare node:http': {min: 0.185, median: 0.37, max: 0.555}});
  t.deepEqual(
    [found?.min, found?.median, found?.max].map(each => each?.toFixed(3)),
    ['1.000', '2.000', '3.000'],
  );
});

test('budgets are judged by the median, more where more is better and less where less is', t => {
  const table = budgetTable({
    'requests/s, core / functions-framework': {min: 0.5, median: 1.3, max: 2},
    'exec to first 2xx, core': {min: 100, median: 130, max: 300},
    'resident idle, core': {min: 91, median: 92, max: 93},
  });
  t.regex(table, /against functions-framework \| 1\.30 × \(0\.50–2\.00\) \| ≥ 1\.25 ×: met \| ≥ 1\.5 ×: not met/);
  t.regex(table, /first good answer \| 130 ms \(100–300\) \| ≤ 150 ms: met \| ≤ 120 ms: not met/);
  t.regex(table, /resident memory, idle \| 92\.0 MB \(91\.0–93\.0\) \| ≤ 90 MB: not met/);
});

test('the cost of facts is what is lost of the rate, in SQLite where that was measured', t => {
  const memory = {'requests/s, facts in memory / no facts': {min: 0.8, median: 0.9, max: 1}};
  t.regex(budgetTable(memory), /cost of the facts[^|]*\| 0\.10 \(0\.00–0\.20\) \| ≤ 0\.1: met \| ≤ 0\.06: not met/);
  const both = {...memory, 'requests/s, facts in SQLite / no facts': {min: 0.5, median: 0.5, max: 0.5}};
  t.regex(budgetTable(both), /cost of the facts[^|]*\| 0\.50 \(0\.50–0\.50\) \| ≤ 0\.1: not met/);
});
