import {mkdir, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {functionFile} from '../helpers/bridge.ts';
import {bridgeSuite} from '../helpers/bridge-suite.ts';
import {eachHop, type NodeCases, nodeBridge} from '../helpers/node-bridge.ts';

const handlers = fileURLToPath(new URL('../fixtures/functions/node/handlers', import.meta.url));

eachHop(node => {
  bridgeSuite({
    title: 'node',
    binary: process.execPath,
    bridge: nodeBridge,
    handlers,
    extension: 'js',
    brokenText: 'exports.handle = () => {\n',
    tags: true,
    hop: node.hop,
  });
  ownCases(node);
});

function ownCases({check, hop, start, startText}: NodeCases): void {
  // Results

  const results: Record<string, [text: string, reply: string]> = {
    'a callback called at once': ["(e, c, done) => { done(undefined, 'x'); }", '"x"'],
    'a callback called later': ["(e, c, done) => { setImmediate(done, null, 'x'); }", '"x"'],
    'a callback called later by a function that returns its timer': ["(e, c, done) => setTimeout(done, 5, null, 'x')", '"x"'],
    'a callback behind two parameters, called at once': ["function (e, c) { arguments[2](null, 'x'); }", '"x"'],
    'nothing by a handler of two parameters': ['(e, c) => {}', ''],
    'a value by a handler of three parameters': ["(e, c, done) => 'x'", '"x"'],
    'a promise': ['async () => ({statusCode: 204})', '{"statusCode":204}'],
    'a foreign thenable': ["() => ({then: resolve => resolve('x')})", '"x"'],
    'a promise, although the callback was called': ["async (e, c, done) => { done(null, 'callback'); return 'promise'; }", '"promise"'],
    'a callback, when the promise brings nothing': ["async (e, c, done) => { done(null, 'callback'); }", '"callback"'],
    'a callback called later, although a promise never settles': [
      "(e, c, done) => new Promise(() => { setTimeout(done, 5, null, 'x'); })",
      '"x"',
    ],
    'a callback called at once, although a promise never settles': [
      "(e, c, done) => { done(null, 'x'); return new Promise(() => {}); }",
      '"x"',
    ],
    'an ArrayBuffer': ['() => new Uint8Array([0, 255, 128]).buffer', '{"body":"AP+A","isBase64Encoded":true}'],
    'an envelope around an ArrayBuffer': [
      '() => ({statusCode: 201, body: new Uint8Array([0, 255, 128]).buffer})',
      '{"statusCode":201,"body":"AP+A","isBase64Encoded":true}',
    ],
    'a part of a typed array': ['() => new Uint8Array([9, 0, 255, 128, 9]).subarray(1, 4)', '{"body":"AP+A","isBase64Encoded":true}'],
    'an instance with toJSON': ['() => new Date(0)', '"1970-01-01T00:00:00.000Z"'],
    null: ['() => null', 'null'],
    zero: ['() => 0', '0'],
  };

  for (const [kind, [text, reply]] of Object.entries(results)) {
    check(`the result may be ${kind}`, async t => {
      const b = await startText(t, `exports.handle = ${text};`);
      t.like(await b.call({}), {status: 200, text: reply});
    });
  }

  // Modules

  const modules: Record<string, [file: string, text: string, name?: string]> = {
    'an ES module': ['handler.mjs', "export const handle = () => 'x';"],
    'an ES module with top-level await': ['handler.mjs', "await null; export const handle = () => 'x';"],
    'a member of a default export': ['handler.mjs', "export default {handle: () => 'x'};"],
    'the default export, by its name': ['handler.mjs', "export default () => 'x';", 'default'],
    'a method of an instance': [
      'handler.cjs',
      "module.exports = new (class { constructor() { this.word = 'x'; } handle() { return this.word; } })();",
    ],
    'a function that uses its neighbours': [
      'handler.cjs',
      "exports.word = () => 'x'; exports.handle = function () { return this.word(); };",
    ],
    'a nested member': ['handler.cjs', "exports.a = {b: {word: 'x', c() { return this.word; }}};", 'a.b.c'],
    TypeScript: ['handler.ts', "export const handle = (event: unknown): string => 'x';"],
    'CommonJS in TypeScript': ['handler.cts', "exports.handle = (event: unknown): string => 'x';"],
  };

  for (const [kind, [file, text, name]] of Object.entries(modules)) {
    check(`the handler may be ${kind}`, async t => {
      const complete = await functionFile(t, file, text);
      for (const given of [complete, complete.replace(/\.\w+$/, '')]) {
        const b = await start(t, given, name === undefined ? {} : {name});
        t.is(b.records.length, 1);
        t.like(b.records[0], {loaded: true, calls: hop === 'channel' ? 1 : undefined, runtime: `Node.js ${process.versions.node}`});
        t.is((await b.call({})).text, '"x"');
      }
    });
  }

  check('"type": "module" makes a .js handler an ES module, with top-level await too', async t => {
    for (const text of ["export const handle = () => 'x';", "await null; export const handle = () => 'x';"]) {
      const file = await functionFile(t, 'handler.js', text);
      await writeFile(path.join(path.dirname(file), 'package.json'), '{"type": "module"}');
      const b = await start(t, file.replace('.js', ''));
      t.is((await b.call({})).text, '"x"');
      t.is(b.output.stderr, '');
    }
  });

  check('a default export that is a function does not stand for another name', async t => {
    const b = await start(t, await functionFile(t, 'handler.mjs', "export default () => 'x';"));
    t.like(b.records[0], {loaded: false});
  });

  // What surrounds a call

  check('headers of every call are found in lower case, whatever those of the calls before were called', async t => {
    const b = await startText(t, "exports.handle = ({headers}) => [headers['x-a'], headers['x-b'], headers.constructor === Object];");
    const many = Object.fromEntries(Array.from({length: 100}, (_, index) => [`X-${index}`, index]));
    for (const [headers, found] of [
      [{'X-A': 1, 'X-B': 2}, [1, 2, true]],
      [{'X-B': 3, 'X-A': 4}, [4, 3, true]],
      [{'X-A': 5, 'X-C': 6}, [5, null, true]],
      [{'X-A': 7, 'x-a': 8}, [8, null, true]],
      [{'X-A': 9, 'X-a': 10}, [9, null, true]],
      [{'X-B': 11}, [null, 11, true]],
      [{...many, 'X-A': 12}, [12, null, true]],
      [{...many, 'X-B': 13}, [null, 13, true]],
      [{'X-A': 14, Constructor: 15}, [14, null, false]],
    ] as const) {
      t.deepEqual(JSON.parse((await b.call({headers})).text), found);
    }
  });

  check('the event is made of ordinary objects', async t => {
    const b = await startText(
      t,
      `exports.handle = event => {
      const {headers} = event;
      const copy = structuredClone({...event});
      return [Object.getPrototypeOf(headers) === Object.prototype, headers['x-id'], copy.headers, {...headers}];
    };`,
    );
    const reply = await b.call({headers: {'X-Id': '7'}, multiValueHeaders: null});
    t.is(reply.text, '[true,"7",{"X-Id":"7"},{"X-Id":"7"}]');
  });

  check('lines keep their call through promises, buffers and half characters', async t => {
    const b = await startText(
      t,
      `exports.handle = async () => {
      const bytes = Buffer.from('ž\\n');
      await null;
      process.stdout.write(bytes.slice(0, 1));
      process.stdout.write(bytes.slice(1), () => console.error('written'));
      process.stdout.write('\\n');
      await new Promise(setImmediate);
    };`,
    );
    await b.call({}, {invocationId: 'i'});
    await b.until(() => b.logs.length === 3);
    t.deepEqual(
      b.logs.map(log => [log.stream, log.invocationId, log.line]),
      [
        ['stdout', 'i', 'ž'],
        ['stdout', 'i', ''],
        ['stderr', 'i', 'written'],
      ],
    );
  });

  check('an OpenTelemetry API that the function has set up sees the trace of the caller', async t => {
    const file = await functionFile(
      t,
      'handler.cjs',
      `const api = require('@opentelemetry/api');
    const key = Symbol('traceparent');
    let active = api.ROOT_CONTEXT;
    api.context.setGlobalContextManager({
      active: () => active,
      with(context, run, self, ...args) {
        active = context;
        try { return run.apply(self, args); } finally { active = api.ROOT_CONTEXT; }
      },
    });
    api.propagation.setGlobalPropagator({
      inject() {},
      fields: () => ['traceparent'],
      extract: (context, carrier, getter) => context.setValue(key, getter.get(carrier, 'traceparent')),
    });
    exports.handle = () => api.context.active().getValue(key);`,
    );
    const api = path.join(path.dirname(file), 'node_modules/@opentelemetry/api');
    await mkdir(api, {recursive: true});
    const real = fileURLToPath(import.meta.resolve('@opentelemetry/api'));
    await writeFile(path.join(api, 'index.js'), `module.exports = require(${JSON.stringify(real)});`);
    const b = await start(t, file);
    t.is((await b.call({}, {trace: {traceparent: '00-1-2-01'}})).text, '"00-1-2-01"');
    t.is((await b.call({}, {})).text, '');
  });
}
