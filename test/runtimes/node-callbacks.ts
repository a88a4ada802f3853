import test from 'ava';
import {startNodeText} from '../helpers/node-bridge.ts';

// Which handlers that return nothing are waited for: those that read a third argument, however they name it.

const later = (callback: string) => `setImmediate(${callback}, null, 'late')`;

const waited: Record<string, string> = {
  'three parameters': `(event, context, callback) => { ${later('callback')}; }`,
  'a default for the callback': `(event, context, callback = () => {}) => { ${later('callback')}; }`,
  'a default for the context': `(event, context = {a: [1, ')']}, callback) => { ${later('callback')}; }`,
  'a default for the event': `function (event = "it's", context = (1, 2), callback = null) { ${later('callback')}; }`,
  'a default that is a template': `(event = \`\${"}"}(\`, context, callback) => { ${later('callback')}; }`,
  'a default that is a function': `(event = function (a, b) { return a, b; }, context, callback) => { ${later('callback')}; }`,
  'patterns for parameters': `({httpMethod}, {invocationId, trace: [a, b] = []}, callback) => { ${later('callback')}; }`,
  'comments between parameters': `(event, /* , ) */ context, // callback (
    callback = undefined) => { ${later('callback')}; }`,
  'a trailing comma': `(event, context, callback = undefined,) => { ${later('callback')}; }`,
  'a rest that is read by its index': `(event, ...rest) => { ${later('rest[1]')}; }`,
  'a rest behind the context': `(event, context, ...rest) => { ${later('rest[ 0 ]')}; }`,
  'a rest of everything': `(...args) => { ${later('args[2]')}; }`,
  'a rest that is taken apart': `(event, ...rest) => { const [context, callback] = rest; ${later('callback')}; }`,
  'a rest that is a pattern': `(event, ...[context, callback]) => { ${later('callback')}; }`,
  'the last of a rest': `(...args) => { const callback = args[args.length - 1]; ${later('callback')}; }`,
  'the last of a rest, popped': `(...args) => { const callback = args.pop(); ${later('callback')}; }`,
  'the last of a rest, at -1': `(...args) => { ${later('args.at(-1)')}; }`,
  'arguments by their index': `function () { ${later('arguments[2]')}; }`,
  'arguments by their index, behind two parameters': `function (event, context) { var callback = arguments[2]; ${later('callback')}; }`,
  'the last of the arguments': `function () { ${later('arguments[arguments.length - 1]')}; }`,
  'arguments that are taken apart': `function handle() { const [event, context, callback] = arguments; ${later('callback')}; }`,
  'a bound function': `(function (event, context, callback) { ${later('callback')}; }).bind(null)`,
};

for (const [kind, text] of Object.entries(waited)) {
  test.serial(`node: the callback is waited for: ${kind}`, async t => {
    const b = await startNodeText(t, `exports.handle = ${text};`);
    t.like(await b.call({}), {status: 200, text: '"late"'});
    t.deepEqual(b.logs, []);
  });
}

test.serial('node: the callback of a method is waited for, whatever its name', async t => {
  const b = await startNodeText(
    t,
    `class Api { ['hand' + 'le'](event, context = (1, 2), callback) { ${later('callback')}; } }
    module.exports = new Api();`,
  );
  t.like(await b.call({}), {status: 200, text: '"late"'});
});

const unwaited: Record<string, string> = {
  'one parameter': 'event => {}',
  'one parameter without parentheses, whose body has three': 'event => void ((a, b, c) => a)(event, 2, 3)',
  'two parameters': 'function (event, context) {}',
  'a default for the context': '(event, context = {}) => {}',
  'commas in a default': `(event, context = [1, 2, {a: 1, b: 2}, "a,b", \`,\${[1, 2]},\`, (1, 2)]) => {}`,
  'a rest that is not read': '(event, ...rest) => { rest[0]; }',
  'a rest that is passed on to a handler of two parameters': '(...args) => ((event, context) => {})(...args)',
  'arguments that are passed on': 'function () { (function (event) {}).apply(this, arguments); }',
  'a rest whose event is read': '(...args) => { const [event, context] = args; args[0].path; args[1].trace; }',
  'a function inside that has a rest': '(event) => { ((...rest) => rest[2])(); }',
};

for (const [kind, text] of Object.entries(unwaited)) {
  test.serial(`node: the reply is empty at once: ${kind}`, async t => {
    const b = await startNodeText(t, `exports.handle = ${text};`);
    t.like(await b.call({}), {status: 200, text: ''});
  });
}

test.serial('node: a callback that comes too late, as the handler passed it on unseen, is logged with what to do', async t => {
  const b = await startNodeText(
    t,
    `const inner = (event, context, callback) => { ${later('callback')}; };
    exports.handle = (...args) => inner(...args);`,
  );
  t.like(await b.call({}, {invocationId: 'i'}), {status: 200, text: ''});
  await b.until(() =>
    b.logs.some(({line}) => /callback called after the reply, ignored.*declare it: \(event, context, callback\)/.test(line)),
  );
});
