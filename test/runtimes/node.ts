import {mkdir, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {type Bridge, functionFile, rawRequest, runOf} from '../helpers/bridge.ts';
import {bridgeSuite} from '../helpers/bridge-suite.ts';
import {eachHop, type NodeCases, nodeBridge} from '../helpers/node-bridge.ts';

const handlers = fileURLToPath(new URL('../fixtures/functions/node/handlers', import.meta.url));

const soon = () => ({deadlineMs: Date.now() + 300, invocationId: 'late'});

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
  // Errors of every kind

  const thrown: Record<string, [expression: string, text: string]> = {
    'a string': ["'plain'", 'plain'],
    'an object': ['{code: 7}', '{"code":7}'],
    'an error without a message': ['new RangeError()', 'RangeError'],
    nothing: ['undefined', 'undefined'],
    null: ['null', 'null'],
    'a number': ['42', '42'],
    'an object whose message cannot be read': ['{get message() { throw 1; }}', 'an error that has no message'],
  };

  for (const [kind, [expression, text]] of Object.entries(thrown)) {
    check(`${kind} thrown or rejected with is a 500`, async t => {
      const sync = await startText(t, `exports.handle = () => { throw ${expression}; };`);
      t.like(await sync.call({}), {status: 500, text});
      const rejected = await startText(t, `exports.handle = async () => { throw ${expression}; };`);
      t.like(await rejected.call({}), {status: 500, text});
    });
  }

  check('an error given to the callback is a 500', async t => {
    const b = await startText(t, "exports.handle = (_e, _c, done) => { setImmediate(done, new Error('no')); };");
    t.like(await b.call({}), {status: 500, text: 'no'});
  });

  check('a result without a JSON form is a 500', async t => {
    for (const result of ['1n', '() => 1', 'Symbol()', '{body: 1n}']) {
      const b = await startText(t, `exports.handle = async () => (${result});`);
      t.regex((await b.call({})).text, /^The result of the function is not JSON: /, result);
    }
  });

  check('a throw in a timer of a waiting call ends that call, and the process stays', async t => {
    const b = await startText(
      t,
      "exports.handle = (event, _c, done) => { setTimeout(() => { if (event === 'bad') throw new Error('in a timer'); done(null, 'good'); }, 20); };",
    );
    const [bad, good] = await Promise.all([b.call('bad'), b.call('good')]);
    t.like(bad, {status: 500, text: 'in a timer'});
    t.is(good.text, '"good"');
  });

  check('a stray rejection, a throw and a second callback after the reply are logged, and the process stays', async t => {
    const b = await startText(
      t,
      `exports.handle = (event, _c, done) => {
      Promise.reject(new Error('stray rejection'));
      setTimeout(() => { throw new Error('late throw'); }, 20);
      setTimeout(done, 20, null, 'second');
      done(null, 'first');
    };`,
    );
    t.is((await b.call({}, {invocationId: 'i'})).text, '"first"');
    const said = (text: string) => b.logs.some(log => log.line.includes(text) && log.invocationId === 'i');
    await b.until(() => said('late throw') && said('callback called after the reply') && said('stray rejection'));
    t.is((await b.call({})).text, '"first"');
  });

  check('a callback or promise that never comes is a 500 after the deadline', async t => {
    for (const text of ['exports.handle = (_e, _c, _done) => {};', 'exports.handle = () => new Promise(() => {});']) {
      const b = await startText(t, text);
      t.like(await b.call({}, soon()), {status: 500, text: 'Function timed out'});
    }
  });

  check('a Blob is a 500 that says what to do', async t => {
    const result = "new Blob(['x'])";
    const b = await startText(t, `exports.handle = async event => event === 'whole' ? ${result} : {statusCode: 200, body: ${result}};`);
    for (const event of ['whole', 'body']) {
      t.like(await b.call(event), {status: 500, text: 'The result of the function is not JSON: a Blob must be read first'}, event);
    }
  });

  check('the log has the causes of an error, and all of a thrown object', async t => {
    const b = await startText(
      t,
      `exports.handle = event => {
      if (event === 'object') throw {message: 'short', code: 7};
      if (event === 'many') throw new AggregateError([new Error('one of many')], 'all failed');
      const error = new Error('outer', {cause: new TypeError('middle', {cause: 'innermost'})});
      if (event === 'ring') error.cause = error;
      throw error;
    };`,
    );
    const said = (text: string) => b.logs.some(log => (log.stack ?? '').includes(text) && log.invocationId === 'i');
    const call = async (event: string) => (await b.call(event, {invocationId: 'i'})).text;
    t.is(await call('cause'), 'outer');
    await b.until(() => said('caused by: TypeError: middle') && said('caused by: innermost'));
    t.is(await call('object'), 'short');
    await b.until(() => said('{"message":"short","code":7}'));
    t.is(await call('many'), 'all failed');
    await b.until(() => said('one of its errors: Error: one of many'));
    t.is(await call('ring'), 'outer');
  });

  check('context.signal aborts at the deadline', async t => {
    const b = await startText(
      t,
      `exports.handle = (_e, context) => new Promise(resolve => {
      context.signal.addEventListener('abort', () => resolve(context.signal.reason.name));
    });`,
    );
    t.is((await b.call({}, soon())).text, '"TimeoutError"');
  });

  check('context.signal aborts when the caller hangs up', async t => {
    const b = await startText(
      t,
      `exports.handle = (_e, context) => new Promise(() => {
      console.log('running');
      context.signal.addEventListener('abort', () => console.log(context.signal.reason.name));
    });`,
    );
    const hangUp = begin(b);
    await b.until(() => b.logs.length === 1);
    hangUp();
    await b.until(() => b.logs.length === 2);
    t.is(b.logs[1]?.line, 'AbortError');
  });

  check('a module that cannot be resolved names the missing one', async t => {
    const b = await startText(t, "require('not-installed-anywhere');");
    t.regex(JSON.stringify(b.records[0]), /Cannot find module 'not-installed-anywhere'/);
  });

  check('a module of any kind that cannot be parsed is named with its line, also when another module imports it', async t => {
    const broken = 'export const ok = 1;\nexport const handle = () => {;\n';
    const handler = await functionFile(t, 'handler.mjs', "import {handle} from './neighbour.mjs';\nexport {handle};\n");
    await writeFile(path.join(path.dirname(handler), 'neighbour.mjs'), broken);
    for (const [file, place] of [
      [handler, /neighbour\.mjs:3/],
      [await functionFile(t, 'alone.mjs', broken), /alone\.mjs:3/],
      [await functionFile(t, 'typed.ts', 'export const a: number = 1;\nexport enum Kind { A }\n'), /typed\.ts:2/],
    ] as const) {
      const b = await start(t, file);
      t.regex((b.records[0] as {error: string}).error, place); // the report of a load that failed has one
      await b.until(() => b.logs.some(({stack = ''}) => place.test(stack)));
    }
  });

  check('a module that waits for nothing is reported, and the process stays', async t => {
    const b = await start(t, await functionFile(t, 'handler.mjs', 'await new Promise(() => {});\nexport const handle = () => {};\n'));
    t.like(b.records[0], {loaded: false, error: 'Error: nothing was left to wait for while the handler was loaded'});
    t.is((await b.call({})).status, 500);
  });

  check('a name that is not exported is answered with those that are', async t => {
    const b = await startText(t, 'exports.run = () => {}; exports.walk = () => {}; exports.word = 1;');
    t.regex((b.records[0] as {error: string}).error, /no exported function named "handle"; it exports run, walk$/); // as above
  });

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

/** Begins a call. @returns a function that hangs up */
function begin(b: Bridge): () => void {
  if (b.calls) {
    const {calls} = b;
    const call = calls.begin(runOf({}));
    return () => calls.cancel(call);
  }
  const socket = b.connect();
  socket.write(rawRequest('{"event": {}, "context": {}}'));
  return () => void socket.destroy();
}
