import {mkdtempSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import {plainInk} from '../../../src/dev/terminal/ink.ts';
import {thrownLines} from '../../../src/dev/terminal/thrown.ts';

const lines = (stack: string, folder = '/srv/f') => thrownLines(stack, {folder, ink: plainInk});

test('a stack of another language is shown as it came, and not without end', t => {
  t.deepEqual(lines('panic: no\n\ngoroutine 1 [running]:\n\tmain.go:3'), ['panic: no', '', 'goroutine 1 [running]:', '  main.go:3']);
  t.is(lines('x\n'.repeat(1000)).length, 41);
  t.deepEqual(lines(''), ['']);
});

test('files outside of the function are not read, and their frames are left out', t => {
  const stack =
    'Error: no\n    at a (/srv/f/a.js:1:2)\n    at b (/srv/f/node_modules/x/b.js:1:1)\n    at c (/etc/passwd:1:1)\n    at node:internal/x:1:1';
  t.deepEqual(lines(stack), ['Error: no', '    at a (a.js:1:2)']);
  t.deepEqual(lines(stack, '/elsewhere').length, 4, 'without a frame of its own, the nearest are better than none');
  t.deepEqual(lines('Error: no\n    at x (/etc/hosts:1:1)'), ['Error: no', '    at x (/etc/hosts:1:1)']);
});

test('the line of source stands below its frame', t => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'thrown-'));
  const file = path.join(folder, 'a.js');
  writeFileSync(file, 'one\n\ttwo(three);\nfour\n');
  t.deepEqual(lines(`Error: no\n    at f (file://${file}:2:6)\n    at async g (${file}:3:1)`, folder), [
    'Error: no',
    '    at f (a.js:2:6)',
    '        1 | one',
    '      > 2 |   two(three);',
    '          |       ^',
    '        3 | four',
    '    at async g (a.js:3:1)',
  ]);
  writeFileSync(file, 'x'.repeat(10_000));
  t.is(lines(`Error: no\n    at f (${file}:1:6)`, folder).length, 2, 'code that a program wrote is not shown');
  t.is(lines(`Error: no\n    at f (${file}:9:6)`, folder).length, 2, 'the file has no such line any more');
});

test('the causes of an error follow it, in every language', t => {
  t.deepEqual(lines('Error: outer\n    at f (/srv/f/a.js:4:42)\ncaused by: TypeError: inner\n    at g (/srv/f/b.js:2:1)'), [
    'Error: outer',
    '    at f (a.js:4:42)',
    'caused by: TypeError: inner',
    '    at g (b.js:2:1)',
  ]);
  const python = `Traceback (most recent call last):
  File "/srv/f/h.py", line 7, in handle
    helper({})
  File "/srv/f/h.py", line 2, in helper
    return x["foo"]
           ~^^^^^^^
KeyError: 'foo'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/srv/f/h.py", line 9, in handle
    raise ValueError("nope") from e
ValueError: nope
with a second line
  and an indented one
the last`;
  t.deepEqual(lines(python), [
    'ValueError: nope',
    'with a second line',
    '  and an indented one',
    'the last',
    '    at handle (h.py:9)',
    "caused by: KeyError: 'foo'",
    '    at helper (h.py:2)',
    '    at handle (h.py:7)',
  ]);
  const php = `RuntimeException: inner in /srv/f/h.php:2
Stack trace:
#0 /srv/f/h.php(5): helper()

Next LogicException: outer in /srv/f/h.php:5
Stack trace:`;
  t.deepEqual(lines(php), [
    'LogicException: outer',
    '    at h.php:5',
    'caused by: RuntimeException: inner',
    '    at helper() (h.php:2)',
    '    at h.php:5',
  ]);
});

test('a stack that was made to take long to read does not', t => {
  for (const line of ['  x', '\t', '    at ', '  File "/a", line 1', '#0 /a(1): ', 'caused by: ', 'Next '])
    t.true(lines(`  File "/srv/f/a.py", line 1\nStack trace:\n    at f (/srv/f/a:1:1)\n${`${line}\n`.repeat(20_000)}`).length < 1000, line);
});

test('a syntax error names its place', t => {
  t.deepEqual(
    lines("/srv/f/a.js:2\n  const = 4;\n        ^\n\nSyntaxError: Unexpected token '='\n    at wrapSafe (node:internal/modules:1:1)"),
    ["SyntaxError: Unexpected token '='", '    at a.js:2:9'],
  );
  const typescript = '/srv/f/a.ts:1\nenum A {b}\n^^^^^^^^^^\nexport const c = 1;\n\nSyntaxError [ERR_X]: no enum';
  t.deepEqual(lines(typescript), ['SyntaxError [ERR_X]: no enum', '    at a.ts:1:1']);
  t.deepEqual(lines('  File "/srv/f/h.py", line 3\n    def f(:\n          ^\nSyntaxError: invalid syntax'), [
    'SyntaxError: invalid syntax',
    '    at h.py:3',
  ]);
});

test('a module that is missing is named without the files that led to it', t => {
  t.deepEqual(
    lines("Error: Cannot find module './x'\nRequire stack:\n- /srv/f/a.js\n- /opt/bridge.cjs\n    at Object.<anonymous> (/srv/f/a.js:1:1)"),
    ["Error: Cannot find module './x'", '    at Object.<anonymous> (a.js:1:1)'],
  );
});
