import {execFileSync, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {type Bridge, type BridgeOptions, rawRequest, startBridge} from '../helpers/bridge.ts';
import {bridgeSuite} from '../helpers/bridge-suite.ts';

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
  ownCases();
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
