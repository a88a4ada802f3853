import {writeFile} from 'node:fs/promises';
import path from 'node:path';
import {type Bridge, functionFile, rawRequest, runOf} from '../helpers/bridge.ts';
import {eachHop, type NodeCases} from '../helpers/node-bridge.ts';

/* What a Node function throws, leaves undone or cannot be loaded for. */

const soon = () => ({deadlineMs: Date.now() + 300, invocationId: 'late'});

eachHop(errorCases);

function errorCases({check, start, startText}: NodeCases): void {
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
