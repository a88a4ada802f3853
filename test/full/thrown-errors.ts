import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {startCore} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';

const languages: readonly (readonly [file: string, text: string, title: string, frame: RegExp])[] = [
  [
    'handler.cjs',
    `function inner() {\n  throw new TypeError('no luck', {cause: new Error('the disk')});\n}\nexports.handle = async () => inner();\n`,
    'TypeError: no luck',
    /at inner \(.*handler\.cjs:2:9\)[\s\S]*caused by: Error: the disk/,
  ],
  ['handler.mjs', `export const handle = () => {\n  throw new Error('no luck');\n};\n`, 'Error: no luck', /at .*handler\.mjs:2:9/],
  [
    'handler.py',
    `def inner():\n    raise ValueError("no luck")\n\n\ndef handle(event, context):\n    inner()\n`,
    'ValueError: no luck',
    /^Traceback .*\n {2}File ".*handler\.py", line 6, in handle\n[\s\S]*line 2, in inner/,
  ],
  [
    'handler_async.py',
    `async def handle(event, context):\n    raise ValueError("no luck")\n`,
    'ValueError: no luck',
    /^Traceback .*\n {2}File ".*handler_async\.py", line 2, in handle\n/,
  ],
  [
    'handler.php',
    `<?php\nfunction inner() { throw new DomainException('no luck'); }\nfunction handle($event, $context) { inner(); }\n`,
    'DomainException: no luck',
    /handler\.php:2\nStack trace:\n#0 .*handler\.php\(3\): inner\(\)/,
  ],
  [
    'told.py',
    `def handle(event, context):\n    error = ValueError("no luck\\nat all")\n    if hasattr(error, "add_note"):\n        error.add_note("a note")\n    raise error\n`,
    'ValueError: no luck\nat all',
    /told\.py", line 5, in handle/,
  ],
];

for (const [file, text, title, frame] of languages) {
  test(`what a handler throws is one record, with its stack in a field (${file})`, async t => {
    const folder = await mkdtemp(join(tmpdir(), 'thrown-'));
    t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
    await writeFile(join(folder, file), text);
    const core = await startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: join(folder, file)}, t);
    const answer = await ask(core.url);
    t.is(answer.status, 500);
    const line = await core.logged(({source}) => source === 'function');
    t.like(line, {level: 'error', stream: 'stderr', msg: title, invocationId: answer.field('core-invocation-id')});
    t.regex(String(line.stack), frame);
    t.notRegex(String(line.stack), /[/\\]bridge\.(cjs|py|php)|node:internal/);
    t.is(await core.stop(), 0);
    t.is(core.logs.filter(({source}) => source === 'function').length, 1);
  });
}

const unloadable: readonly (readonly [file: string, text: string, title: string, place: RegExp])[] = [
  ['handler.cjs', `throw new Error('no luck');\n`, 'Error: no luck', /^Error: no luck\n {4}at .*handler\.cjs:1:7/],
  ['handler.mjs', `function inner() {\n  throw 'no luck';\n}\ninner();\n`, 'no luck', /^no luck$/],
  ['unparsable.mjs', 'export const handle = (;\n', `SyntaxError: Unexpected token ';'`, /^\S*unparsable\.mjs:1\n/],
  ['handler.py', 'raise ValueError("no luck")\n', 'ValueError: no luck', /^Traceback .*\n {2}File ".*handler\.py", line 1, in <module>/],
  ['unparsable.py', 'def handle(:\n', 'SyntaxError: invalid syntax', /^ {2}File ".*unparsable\.py", line 1\n/],
  ['handler.php', `<?php\nthrow new DomainException('no luck');\n`, 'DomainException: no luck', /handler\.php:2\n/],
];
for (const [file, text, title, place] of unloadable) {
  test(`what a handler throws while it is loaded is one record, with its stack in a field (${file})`, async t => {
    const folder = await mkdtemp(join(tmpdir(), 'thrown-'));
    t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
    await writeFile(join(folder, file), text);
    const core = await startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: join(folder, file)}, t);
    const line = await core.logged(({source}) => source === 'function');
    t.like(line, {level: 'error', stream: 'stderr', msg: `core-bridge: cannot load the handler: ${title}`});
    t.regex(String(line.stack), place);
    t.notRegex(String(line.stack), /[/\\]bridge\.(cjs|py|php)|node:internal.*\n.*node:internal|importlib/);
    t.is(await core.stop(), 0);
    t.is(core.logs.filter(({source}) => source === 'function').length, 1);
  });
}
