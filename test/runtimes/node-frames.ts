import {once} from 'node:events';
import type {Socket} from 'node:net';
import test from 'ava';
import {callFrames, frame, fromCore} from '../../src/conform/channel/frames.ts';
import {Bridge, functionFile, runOf} from '../helpers/bridge.ts';
import {nodeBridge, startNodeText} from '../helpers/node-bridge.ts';

// What the Node bridge does on the channel beyond the cases of conform.

const slow = `let resolve;
exports.handle = (event, context) => {
  if (event.path === '/end') { resolve('late'); return 'ended'; }
  console.log('running');
  context.signal.addEventListener('abort', () => console.log(context.signal.reason.name));
  return new Promise(done => { resolve = done; });
};`;

test.serial('node: a cancelled call that ignores the signal ends when its handler does, and not before', async t => {
  const b = await startNodeText(t, slow);
  const {calls} = b;
  if (!calls) return t.fail('it is not on the channel');
  const call = calls.begin(runOf({path: '/'}, {invocationId: 'i'}));
  await b.until(() => b.logs.some(({line}) => line === 'running'));
  calls.cancel(call);
  await b.until(() => b.logs.some(({line}) => line === 'AbortError'));
  let isOver = false;
  call.outcome.then(() => {
    isOver = true;
  });
  await calls.ping();
  t.false(isOver);
  t.is((await b.call({path: '/end'})).text, '"ended"');
  t.is((await call.outcome).kind, 'end');
  t.deepEqual(
    b.records.filter(record => Object.hasOwn(Object(record), 'settled')),
    [],
  );
});

test.serial('node: a cancelled call that fails ends as failed', async t => {
  const b = await startNodeText(
    t,
    `exports.handle = (event, {signal}) => new Promise((_, reject) => {
      console.log('running');
      signal.addEventListener('abort', () => reject(new Error('given up')));
    });`,
  );
  const call = b.calls?.begin(runOf({}));
  if (!call) return t.fail('it is not on the channel');
  await b.until(() => b.logs.length > 0);
  b.calls?.cancel(call);
  t.deepEqual(await call.outcome, {kind: 'failed', message: 'given up'});
});

for (const [kind, handler] of [
  ['at once', '() => "x"'],
  ['after awaits', 'async () => { await null; await null; return "x"; }'],
] as const) {
  test.serial(`node: replies of calls that came together leave in one write: ${kind}`, async t => {
    const b = await startNodeText(t, `exports.handle = ${handler};`);
    const socket = b.child.stdio[4] as Socket; // 'pipe' makes it a socket
    let sizes: number[] = [];
    socket.on('data', chunk => sizes.push(chunk.length));
    // On a busy machine a turn may take longer than replies wait for one another: then once more.
    for (let round = 0; round < 100 && sizes.length !== 1; round++) {
      sizes = [];
      const begun = Array.from({length: 20}, () => b.calls?.open());
      for (const call of begun) if (call) call.isWhole = true;
      b.calls?.write(...begun.flatMap(call => callFrames(call?.number ?? 0, runOf({}))));
      await Promise.all(begun.map(call => call?.outcome));
    }
    t.deepEqual(sizes, [20 * (9 + 9 + 1)]);
  });
}

for (const [kind, handler] of [
  ['at once', '() => compute()'],
  ['async', 'async () => compute()'],
] as const) {
  test.serial(`node: a reply does not wait for calls that came together with it and compute: ${kind}`, async t => {
    const b = await startNodeText(
      t,
      `const compute = () => { const end = Date.now() + 40; while (Date.now() < end); return 'x'; };
      exports.handle = ${handler};`,
    );
    const socket = b.child.stdio[4] as Socket; // as above
    let pieces = 0;
    socket.on('data', () => pieces++);
    const begun = Array.from({length: 10}, () => b.calls?.open());
    for (const call of begun) if (call) call.isWhole = true;
    b.calls?.write(...begun.flatMap(call => callFrames(call?.number ?? 0, runOf({}))));
    for (const call of begun) t.is((await call?.outcome)?.kind, 'result');
    t.true(pieces > 3, `${pieces} pieces`);
  });
}

test.serial('node: bytes leave as bytes, short and long ones, as the result and as the body', async t => {
  const b = await startNodeText(
    t,
    `exports.handle = ({path, body}) => {
      const bytes = Buffer.alloc(Number(body), 0xff);
      return path === '/whole' ? bytes : {statusCode: 201, isBase64Encoded: false, body: new Uint8Array(bytes).subarray(1)};
    };`,
  );
  for (const size of [1, 1000, 65_000, 70_000, 300_000]) {
    const whole = await b.calls?.begin(runOf({path: '/whole', body: String(size)})).outcome;
    t.like(whole, {kind: 'result', form: 2, json: undefined});
    t.true(whole?.kind === 'result' && whole.body.equals(Buffer.alloc(size, 0xff)), String(size));
    const body = await b.calls?.begin(runOf({path: '/body', body: String(size)})).outcome;
    t.like(body, {kind: 'result', form: 2, json: '{"statusCode":201,"isBase64Encoded":false}'});
    t.true(body?.kind === 'result' && body.body.equals(Buffer.alloc(size - 1, 0xff)), String(size));
  }
});

test.serial('node: a request past the limit is refused, its other frames are skipped, and the next call is served', async t => {
  const b = await startNodeText(t, 'exports.handle = ({body}) => body.length;', {env: {SCW_PAYLOAD_MAX_SIZE: '1'}});
  const call = b.calls?.open();
  if (!call) return t.fail('it is not on the channel');
  const frames = callFrames(call.number, runOf({body: 'x'.repeat(8 * 2 ** 20 + 100)}), 65_536);
  b.calls?.write(...frames);
  t.deepEqual(await call.outcome, {kind: 'failed', message: 'The request is too large for the bridge'});
  t.is((await b.call({body: 'abc'})).text, '3');
});

test.serial('node: PING is answered in the order in which it came, also behind a call that blocks for a while', async t => {
  const b = await startNodeText(t, 'exports.handle = () => { const end = Date.now() + 50; while (Date.now() < end); return "x"; };');
  const call = b.calls?.open();
  if (!call) return t.fail('it is not on the channel');
  call.isWhole = true;
  await b.calls?.pings(2, callFrames(call.number, runOf({})));
  t.is((await call.outcome).kind, 'result');
  b.calls?.write(frame(fromCore.cancel, 12_345)); // of a call that is not open
  await b.calls?.ping();
  t.is(b.calls?.broken, undefined);
});

test.serial('node: without a core at the other end the process ends', async t => {
  const b = await startNodeText(t, "exports.handle = () => 'x';");
  t.is((await b.call({})).text, '"x"');
  (b.child.stdio[4] as Socket).destroy(); // as above
  await once(b.child, 'exit');
  t.is(b.child.exitCode, 0);
});

test.serial('node: without the descriptor for reports calls are served, and lines stay plain', async t => {
  const path = await functionFile(t, 'handler.cjs', "exports.handle = () => { console.log('a line'); return 'x'; };");
  const b = new Bridge({binary: process.execPath, bridge: nodeBridge, path, hop: 'channel', channel: false}, 0);
  t.teardown(() => b.stop());
  t.is((await b.call({})).text, '"x"');
  await b.until(() => b.output.stdout === 'a line\n');
});

const long = `exports.handle = ({name}) => { console.log(name); return 'x'.repeat(300_000); };`;

test.serial(
  'node: where memory is scarce no call begins while long replies have not left, and one that was cancelled never does',
  async t => {
    const b = await startNodeText(t, long, {env: {CORE_GARBAGE_BYTES: '400000'}});
    const {calls} = b;
    if (!calls) return t.fail('it is not on the channel');
    const names = ['a', 'b', 'c', 'd'];
    const begun = names.map(name => ({name, call: calls.begin(runOf({name}), {credit: 'none'})}));
    await b.until(() => b.logs.length === 2);
    for (let turns = 0; turns < 3; turns++) await calls.ping();
    t.deepEqual(
      b.logs.map(({line}) => line),
      ['a', 'b'],
    );
    const [first, second, third, fourth] = begun.map(({call}) => call);
    if (!first || !second || !third || !fourth) return t.fail();
    calls.cancel(third);
    t.is((await third.outcome).kind, 'end');
    calls.credit(first, 300_000);
    await first.outcome;
    await b.until(() => b.logs.length === 3);
    calls.cancel(second);
    calls.credit(fourth, 300_000);
    await Promise.all([second.outcome, fourth.outcome]);
    t.deepEqual(
      b.logs.map(({line}) => line),
      ['a', 'b', 'd'],
    );
  },
);
