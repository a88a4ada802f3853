import path from 'node:path';
import test from 'ava';
import {folderWith} from '../helpers/folder.ts';
import {startNode} from '../helpers/node-bridge.ts';

/*
Compilers and bundlers take what Node refuses. The error of a handler that cannot be loaded says what Node would take.
*/

const around = {
  'lib.ts': 'export const lib = 1;\nexport interface Todo {title: string}\n',
  'plain.js': 'exports.plain = 1;\n',
  'deep/index.ts': "import '../lib';\n",
  'rooms/index.ts': 'export const room = 1;\n',
};
const handle = 'export const handle = () => 1;\n';

for (const [title, file, text, advice] of [
  ['an import without an extension', 'handler.ts', `import './lib';\n${handle}`, /; name the file as it is: '\.\/lib\.ts'$/],
  ['one of JavaScript', 'handler.mjs', `import './plain';\n${handle}`, /; name the file as it is: '\.\/plain\.js'$/],
  ['one from a folder below', 'handler.ts', `import './deep/index.ts';\n${handle}`, /; name the file as it is: '\.\.\/lib\.ts'$/],
  ['an import by the name that the compiler writes', 'handler.ts', `import './lib.js';\n${handle}`, /'\.\/lib\.ts'$/],
  ['an import of a folder', 'handler.ts', `import './rooms';\n${handle}`, /; name the file as it is: '\.\/rooms\/index\.ts'$/],
  ['require() of TypeScript', 'handler.cjs', "require('./lib');", /; name the file as it is: '\.\/lib\.ts'$/],
  ['an alias', 'handler.ts', `import '@/lib';\n${handle}`, /; an alias in tsconfig\.json is for the compiler only: .*bundle/],
  [
    'a type that is imported as a value',
    'handler.ts',
    `import {Todo} from './lib.ts';\n${handle}`,
    /`import \{type Todo\} from '\.\/lib\.ts'`$/,
  ],
  [
    'an enum',
    'handler.ts',
    `enum Colour {Red}\n${handle}`,
    /\(\S*handler\.ts:1\); Node removes types .* an object `as const`\), .*bundle .*tsx/,
  ],
  ['a parameter property', 'handler.ts', `class A {constructor(readonly a: 1) {}}\n${handle}`, /; Node removes types /],
  ['a decorator', 'handler.ts', `const d = () => {};\n@d\nclass A {}\n${handle}`, /; Node does not know decorators: /],
] as const) {
  test(`${title} is refused with what to write`, async t => {
    const folder = await folderWith(t, {...around, [file]: text});
    const bridge = await startNode(t, path.join(folder, file));
    const [report] = bridge.records as [{loaded: boolean; error: string}];
    t.false(report.loaded);
    t.regex(report.error, advice);
    await bridge.until(() => bridge.logs.length > 0);
    const [log] = bridge.logs;
    t.is(log?.line.split('; ').at(-1), report.error.split('; ').at(-1));
    const said = log?.stack?.split('\n').find(line => line.includes('; '));
    t.is(said?.split('; ').at(-1), report.error.split('; ').at(-1), 'where its stack begins');
  });
}

for (const [title, text] of [
  ['a file that is nowhere', `import './gone';\n${handle}`],
  ['a package that is not installed', `import 'gone';\n${handle}`],
  ['a mistake of JavaScript', 'export const handle = (;\n'],
  ['an error that is no error', 'throw null;'],
  ['an error with a code of its own', "throw Object.assign(new Error('x'), {code: 'ERR_MODULE_NOT_FOUND'});"],
] as const) {
  test(`${title} is refused without advice`, async t => {
    const folder = await folderWith(t, {...around, 'handler.ts': text});
    const bridge = await startNode(t, path.join(folder, 'handler.ts'));
    const [report] = bridge.records as [{loaded: boolean; error: string}];
    t.false(report.loaded);
    t.notRegex(report.error, /; /);
  });
}
