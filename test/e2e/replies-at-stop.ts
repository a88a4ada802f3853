import http, {type IncomingMessage} from 'node:http';
import net from 'node:net';
import test, {type ExecutionContext} from 'ava';
import type {RunningCore} from '../helpers/core.ts';
import {metricIs, openGate, serve} from '../helpers/supervision.ts';
import {Wire} from '../helpers/wire.ts';

// Replies that are still being read when the core is asked to stop.

const bytes = 6_000_000;

/** Asks for a reply that no buffer of the system holds, and reads no more than its head. */
function begin(url: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const {promise, resolve, reject} = Promise.withResolvers<IncomingMessage>();
  http.get(url, {agent: false, headers}, resolve).once('error', reject);
  return promise;
}

/** How many bytes come until the end; undefined when the connection breaks before it. */
async function lengthOf(reply: IncomingMessage): Promise<number | undefined> {
  let length = 0;
  try {
    for await (const chunk of reply) length += chunk.length;
    return length;
  } catch {
    return undefined;
  }
}

/** Settled before the stop, or during it. */
const moments: Record<string, (core: RunningCore, t: ExecutionContext) => Promise<IncomingMessage>> = {
  async before(core) {
    const reply = await begin(`${core.url}/?bytes=${bytes}`);
    core.kill('SIGTERM');
    await core.logged(({msg}) => msg === 'Stopping');
    return reply;
  },
  async during(core, t) {
    const gate = await openGate(t);
    const reply = begin(`${core.url}/?do=hold&bytes=${bytes}`, gate.headers);
    await gate.running();
    core.kill('SIGTERM');
    await core.logged(({msg}) => msg === 'Stopping');
    await gate.open();
    return reply;
  },
};

for (const [when, answer] of Object.entries(moments)) {
  test(`a reply that was settled ${when} the stop is waited for until its slow client has it`, async t => {
    const core = await serve(t, 'holds.cjs');
    const idle = new Wire(core.url);
    await idle.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await idle.replies(1);
    const reply = await answer(core, t);
    await idle.closed; // whatever is idle has been closed by now
    t.true(((await lengthOf(reply)) ?? 0) > bytes);
    t.is(await core.exited, 0);
    t.like(core.logs.at(-1), {msg: 'Stopped', lost: 0});
  });

  test(`a reply that was settled ${when} the stop and is not read in the grace time is cut off, and counted`, async t => {
    const core = await serve(t, 'holds.cjs', {CORE_GRACE: '3s'});
    const reply = await answer(core, t);
    t.is(await core.exited, 0);
    t.is(await lengthOf(reply), undefined);
    t.like(core.logs.at(-1), {msg: 'Stopped', accepted: 1, completed: 0, handedBack: 0, lost: 1});
  });
}

test('an event counts once, even if it was cut off twice, and answers that belong to no event do not count', async t => {
  const core = await serve(t, 'holds.cjs', {CORE_GRACE: '2s', CORE_CONCURRENCY: '1'});
  const gate = await openGate(t);
  const silent = net.connect(Number(new URL(core.url).port), '127.0.0.1');
  t.teardown(async () => void silent.destroy());
  silent.pause();
  silent.on('error', () => {});
  const ask = (path: string, fields = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
  // Behind a reply that is not read: one whose call is broken off, one that is handed back, and metrics.
  const hold = ask('/?do=hold', `X-Gate: ${gate.headers['X-Gate']}\r\n`);
  silent.write(ask(`/?bytes=${bytes}`) + hold + ask('/') + ask('/metrics'));
  await gate.running();
  await metricIs(core, 'core_queue_depth', 1);
  core.kill('SIGTERM');
  t.is(await core.exited, 0);
  t.like(core.logs.at(-1), {msg: 'Stopped', accepted: 3, completed: 0, handedBack: 1, lost: 2});
});
