import {readdirSync} from 'node:fs';
import test from 'ava';
import type {RunningCore} from '../helpers/core.ts';
import {projectFile} from '../helpers/core.ts';
import {settledOf, startPassing} from '../helpers/passthrough.ts';
import {askRaw} from '../helpers/request.ts';
import {metricIs} from '../helpers/supervision.ts';
import {publicKey} from '../helpers/tokens.ts';
import {Wire} from '../helpers/wire.ts';

// Offers to upgrade: who may make one, and what passes once the server has taken it.

const program = projectFile('test/fixtures/servers/socket.cjs');
let core: RunningCore;

test.before(async () => {
  core = await startPassing({CORE_STREAM_IDLE: '1s'}, undefined, program);
});
test.after.always(() => core?.stop());

const offer = (path: string, protocol = 'websocket', more = '') =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: ${protocol}\r\n${more}\r\n`;

/** Waits until it has received a text that fits. */
async function until(wire: Wire, pattern: RegExp): Promise<string> {
  for (;;) {
    const text = wire.received.toString('latin1');
    if (pattern.test(text)) return text;
    if (wire.socket.destroyed) throw new Error(`The connection ended: ${text}`);
    await new Promise<void>(resolve => {
      wire.socket.once('data', () => resolve());
      wire.socket.once('close', () => resolve());
    });
  }
}

const idIn = (text: string) => ({field: () => /Core-Invocation-Id: (\S+)/.exec(text)?.[1] ?? ''});

test.serial('an offer on a private function needs a token', async t => {
  const key = publicKey.export({type: 'spki', format: 'pem'}) as string;
  const env = {SCW_PUBLIC: 'false', SCW_PUBLIC_KEY: key, SCW_APPLICATION_ID: 'app-1'};
  const own = await startPassing(env, t, program);
  const text = await askRaw(own.url, offer('/'));
  t.regex(text, /^HTTP\/1\.1 401 /);
  t.regex(text, /\r\nConnection: close\r\n/);
});

for (const [name, request] of [
  ['another form of HTTP', offer('/', 'h2c', 'HTTP2-Settings: a\r\n')],
  ['TLS', offer('/', 'TLS/1.0')],
  ['one with a body', offer('/', 'websocket', 'Content-Length: 2\r\n').concat('hi')],
] as const) {
  test.serial(`is not passed on: ${name}`, async t => {
    const wire = new Wire(core.url);
    await wire.write(request);
    t.regex(await until(wire, /"upgrade":/), /\r\n\r\n\{"upgrade":""\}$/);
    wire.destroy();
  });
}

test.serial('an offer that the server refuses gets its answer, and the connection ends', async t => {
  const text = await askRaw(core.url, offer('/refuse'));
  t.regex(text, /^HTTP\/1\.1 403 Forbidden\r\n/);
  t.true(text.endsWith('\r\n\r\nno'));
});

test.serial('a server that ends the connection in place of an answer is a 502', async t => {
  t.regex(await askRaw(core.url, offer('/die')), /^HTTP\/1\.1 502 /);
});

test.serial('what both sides send passes, from the first byte to the last', async t => {
  const wire = new Wire(core.url);
  await wire.write(`${offer('/?a', 'WebSocket', 'Sec-WebSocket-Key: x\r\n')}early `);
  const head = await until(wire, /early /);
  t.regex(
    head,
    /^HTTP\/1\.1 101 Now\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\nX-Own: 1\r\nCore-Invocation-Id: .*\r\n\r\nhello early $/,
  );
  await wire.write('two');
  await until(wire, /two$/);
  await wire.write('bye');
  await wire.closed;
  t.regex(wire.received.toString('latin1'), /hello early twobye$/);
  t.like(await settledOf(core, idIn(head)), {outcome: 'responded', status: 101, receivedBytes: 12, streamedBytes: 18});
});

test.serial('much passes in both directions', async t => {
  const wire = new Wire(core.url);
  const piece = Buffer.alloc(2 ** 20, 'x');
  await wire.write(offer('/'));
  let bytes = (await until(wire, /hello $/)).length;
  const whole = bytes + 16 * piece.length;
  wire.socket.on('data', (part: Buffer) => {
    bytes += part.length;
  });
  for (let times = 0; times < 16; times++) void wire.write(piece);
  while (bytes < whole) await new Promise(resolve => wire.socket.once('data', resolve));
  t.is(bytes, whole);
  wire.destroy();
});

test.serial('one that is silent on both sides for too long ends', async t => {
  const wire = new Wire(core.url);
  await wire.write(offer('/'));
  const head = await until(wire, /hello $/);
  await wire.closed;
  t.like(await settledOf(core, idIn(head)), {outcome: 'expired', code: 'UPSTREAM_TIMEOUT'});
});

test.serial('a server that has stopped reading is not waited for when it is over', async t => {
  const descriptors = () => readdirSync(`/proc/${core.pid}/fd`).length;
  const before = descriptors();
  const wires = Array.from({length: 5}, () => new Wire(core.url));
  for (const wire of wires) void wire.write(offer('/deaf')).then(() => wire.write(Buffer.alloc(16 * 2 ** 20)));
  await Promise.all(wires.map(({closed}) => closed));
  while (descriptors() > before) await new Promise(resolve => setTimeout(resolve, 20));
  t.pass();
});

test.serial('a client that leaves, and a server that resets, end it for the other', async t => {
  const wire = new Wire(core.url);
  await wire.write(offer('/'));
  const head = await until(wire, /hello $/);
  wire.destroy();
  t.like(await settledOf(core, idIn(head)), {outcome: 'cancelled', code: 'CALLER_LEFT'});
  const other = new Wire(core.url);
  await other.write(offer('/'));
  const begun = await until(other, /hello $/);
  await other.write('reset');
  await other.closed;
  t.like(await settledOf(core, idIn(begun)), {outcome: 'failed', code: 'UPSTREAM_LOST', status: 101});
  await metricIs(core, 'faas_inflight', 0);
});

test.serial('a stop ends it when the grace time is over', async t => {
  const own = await startPassing({CORE_GRACE: '300ms'}, t, program);
  const wire = new Wire(own.url);
  await wire.write(offer('/'));
  await until(wire, /hello $/);
  own.kill('SIGTERM');
  await wire.closed;
  t.is(await own.exited, 0);
});
