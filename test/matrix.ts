import {readFileSync} from 'node:fs';
import test from 'ava';
import {matrixTable, withMatrix} from '../docs/matrix.ts';
import {projectFile} from './helpers/core.ts';

test('output that names no language is refused', t => {
  t.throws(() => matrixTable('TAP version 13\n1..0\n'), {message: /no result of a language/});
});

test('a document without the marks is refused', t => {
  t.throws(() => withMatrix('# nothing', 'ok 1 - node 8: a title\n'), {message: /marks/});
});

test('results are counted by language and version', t => {
  const tap = [
    'TAP version 13',
    'ok 1 - node 8: it runs',
    'not ok 2 - node 8: a reply: whole',
    '  ---',
    '    name: AssertionError',
    'ok 3 - bridges › python 3.10: it runs',
    'ok 4 - go › go: it runs',
    'ok 5 - readme › a title: with a colon',
    'ok 6 - python 2.7: neither pyenv nor PATH has one that runs # SKIP',
    '1..6',
  ].join('\n');
  const rows = ['| go | 1 | 0 | 0 |', '| node 8 | 1 | 1 | 0 |', '| python 2.7 | 0 | 0 | 1 |', '| python 3.10 | 1 | 0 | 0 |'];
  t.deepEqual(matrixTable(tap).trim().split('\n').slice(2), rows);
});

test('the table in the document has no failure', t => {
  const rows = [...readFileSync(projectFile('docs/matrix.md'), 'utf8').matchAll(/^\| ([a-z]+(?: [\d.]+)?) \| (\d+) \| (\d+) \|/gm)];
  t.true(rows.length >= 10);
  for (const [, version, , failed] of rows) t.is(failed, '0', version);
});
