import {execFileSync, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {Calls} from '../../src/conform/channel/calls.ts';
import type {Run} from '../../src/conform/channel/frames.ts';
import {Program} from '../../src/conform/channel/program.ts';
import type {FunctionLine} from '../../src/log.ts';
import {type Bridge, type BridgeOptions, rawRequest, startBridge} from '../helpers/bridge.ts';
import {bridgeSuite} from '../helpers/bridge-suite.ts';
import {compiledSuite} from '../helpers/compiled-suite.ts';

// The Rust crate in a program of its own. What cargo builds is kept between runs, outside of the project.

const root = fileURLToPath(new URL('../../', import.meta.url));
const target = process.env.CARGO_TARGET_DIR ?? path.join(os.tmpdir(), 'core-runtime-rust-target');
const program = path.join(target, 'release/handlers');

if (spawnSync('cargo', ['--version']).status === 0) {
  cargo('test/fixtures/functions/rust', 'build', '--release');
  bridgeSuite({
    title: 'rust',
    binary: program,
    bridge: '',
    handlers: program,
    extension: 'rs',
    brokenText: '',
    tags: true,
    compiled: true,
  });
  compiledSuite('rust', program);
  ownCases();
  channelCases();
} else {
  test.skip('rust: PATH has no cargo', () => {});
}

function cargo(folder: string, ...args: string[]): void {
  execFileSync('cargo', [...args, '--locked', '--quiet'], {
    cwd: path.join(root, folder),
    env: {...process.env, CARGO_TARGET_DIR: target},
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

function start(t: ExecutionContext, name: string, more: Partial<BridgeOptions> = {}): Promise<Bridge> {
  return startBridge(t, {binary: program, bridge: '', path: program, name, ...more});
}

function ownCases(): void {
  test.serial('rust: the tests of the crate pass', t => {
    t.notThrows(() => cargo('runtimes/rust', 'test'));
  });

  test.serial('rust: an event of another shape is refused before the handler', async t => {
    const b = await start(t, 'fails');
    t.like(await b.call({path: 7}), {status: 400});
    t.is(b.output.stderr, '');
  });

  test.serial('rust: an error is a 500 with its text, and the next call is served', async t => {
    const b = await start(t, 'refuses');
    for (let i = 0; i < 2; i++) t.like(await b.call({}), {status: 500, text: 'no luck – today'});
  });

  test.serial('rust: the handler ends when the caller leaves', async t => {
    const b = await start(t, 'stays');
    const socket = b.connect();
    socket.write(rawRequest('{}'));
    await b.until(() => b.output.stdout.includes('running\n'));
    socket.destroy();
    await t.notThrowsAsync(b.until(() => b.output.stdout.includes('dropped\n')));
  });

  test.serial('rust: a second SIGTERM ends the process with its calls', async t => {
    const b = await start(t, 'stays');
    const reply = b.call({});
    await b.until(() => b.output.stdout.includes('running\n'));
    b.letGo();
    b.child.kill('SIGTERM');
    await refuses(b);
    b.child.kill('SIGTERM');
    t.is(await b.exited, 1);
    await t.throwsAsync(reply);
  });

  test.serial('rust: JSON leaves as it came, bytes survive both ways', async t => {
    const json = '{"b": 12345678901234567890.10,"a":1e400, "a":[ ]}';
    const echo = await start(t, 'echo');
    t.is((await echo.send({body: `{"event":${json}}`})).text, json);
    const bytes = await start(t, 'bytes');
    for (const event of [
      {body: 'AP+A', isBase64Encoded: true},
      {body: 'ž', isBase64Encoded: false},
    ]) {
      const sent = Buffer.from(event.body, event.isBase64Encoded ? 'base64' : 'utf8');
      t.deepEqual(JSON.parse((await bytes.call(event)).text), {body: sent.toString('base64'), isBase64Encoded: true});
    }
  });
}

function channelCases(): void {
  test.serial('rust: the target is what the request line had, and no member of the event', async t => {
    const json = '{"target":"/a%2fb?b&a=%20","event":{"path":"/a/b","queryStringParameters":{"a":" ","b":""}}}';
    const b = await start(t, 'target');
    t.is((await b.send({body: json})).text, '"</a%2fb?b&a=%20>"');
    const {calls} = await open(t, 'target');
    const call = calls.begin({form: 0, json: Buffer.from(json), body: Buffer.from('')});
    t.like(await call.outcome, {kind: 'result', body: Buffer.from('</a%2fb?b&a=%20>')});
    const echo = await start(t, 'echo');
    t.false((await echo.send({body: json})).text.includes('target'));
  });

  test.serial('rust: on the channel the handler ends when its call is cancelled, and at its deadline', async t => {
    const {calls, records} = await open(t, 'stays');
    const hasPrinted = (text: string) => records.some(({line}) => line === text);
    const cancelled = calls.begin(runOf({}));
    await until(() => hasPrinted('running'));
    calls.cancel(cancelled);
    t.like(await cancelled.outcome, {kind: 'end'});
    await until(() => hasPrinted('dropped'));
    const late = calls.begin(runOf({}, {deadlineMs: Date.now() + 200}));
    t.like(await late.outcome, {kind: 'failed', message: 'the function did not answer in time'});
  });

  test.serial('rust: on the channel an event keeps its JSON, and its body comes last', async t => {
    const {calls} = await open(t, 'echo');
    const call = calls.begin({form: 0, json: Buffer.from('{"event":{"a":1e400,"b":[ ]}}'), body: Buffer.from('"hi"\n')});
    t.like(await call.outcome, {kind: 'result', form: 0, json: '{"a":1e400,"b":[ ],"body":"\\"hi\\"\\n","isBase64Encoded":false}'});
  });

  test.serial('rust: on the channel bytes come and go as they are', async t => {
    const {calls} = await open(t, 'bytes');
    const bytes = Buffer.from([0, 255, 128]);
    for (const form of [1, 2] as const) {
      const call = calls.begin({form, json: Buffer.from('{"event":{}}'), body: form === 1 ? bytes : Buffer.from(bytes.toString('base64'))});
      t.deepEqual(await call.outcome, {kind: 'result', form: 2, json: '{}', body: bytes});
    }
  });

  test.serial('rust: on the channel a panic is the error, its record names the call, and the next call is served', async t => {
    const {calls, records} = await open(t, 'fails');
    for (let i = 0; i < 2; i++) {
      t.deepEqual(await calls.begin(runOf({}, {invocationId: `i${i}`})).outcome, {kind: 'failed', message: 'no luck – today'});
      await until(() => records.some(({level, invocationId}) => level === 'error' && invocationId === `i${i}`));
    }
  });

  test.serial('rust: on the channel the handler sees no variable of the core', async t => {
    const {calls} = await open(t, 'environment');
    const outcome = await calls.begin(runOf({})).outcome;
    t.false(outcome.kind === 'result' && outcome.json?.includes('"CORE_'));
  });

  test.serial('rust: on the channel a SIGTERM that is not the core’s is the function’s, too, and calls are served', async t => {
    const {calls, records, program} = await open(t, 'listens');
    const first = calls.begin(runOf({}));
    await until(() => records.some(({line}) => line === 'listening'));
    process.kill(program.pid, 'SIGTERM');
    t.like(await first.outcome, {kind: 'result', body: Buffer.from('heard')});
    const second = calls.begin(runOf({}));
    await until(() => records.filter(({line}) => line === 'listening').length === 2);
    calls.cancel(second);
    t.like(await second.outcome, {kind: 'end'});
    program.letGo();
    calls.end();
    t.is(await program.ended, 'exit code 0');
  });
}

/** A program on the channel, which has reported. */
async function open(t: ExecutionContext, name: string) {
  const records: FunctionLine[] = [];
  const environment = {PATH: process.env.PATH ?? '', SCW_HANDLER_NAME: name};
  const running = new Program({command: [program], environment, line: line => void records.push(line)});
  t.teardown(() => running.signal('SIGKILL'));
  t.like(await running.report, {loaded: true, calls: 1});
  return {program: running, calls: new Calls(running.calls), records};
}

function runOf(event: object, context: object = {}): Run {
  return {form: 0, json: Buffer.from(JSON.stringify({event, context})), body: Buffer.alloc(0)};
}

/** The test's own time limit ends the wait. */
async function until(claim: () => boolean): Promise<void> {
  while (!claim()) await new Promise(resolve => setTimeout(resolve, 5));
}

/** Waits until nothing listens any more. */
async function refuses(bridge: Bridge): Promise<void> {
  for (;;) {
    const socket = bridge.connect();
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (!isOpen) return;
  }
}
