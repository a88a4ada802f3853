import {once} from 'node:events';
import http, {type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import {Fault} from '../../src/errors.ts';
import {Budget} from '../../src/limits/budget.ts';
import {Upstream} from '../../src/workers/hop/http.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {writtenEvent} from '../helpers/event.ts';

const MiB = 2 ** 20;

/** A sub-runtime whose replies have 16 MiB, and a core with room for one of them; `taken` is what left its process. */
async function open(t: ExecutionContext, respond: (response: ServerResponse) => void) {
  const clock = new ManualClock();
  const budget = new Budget(24 * MiB, clock);
  const sockets = new Set<{readonly bytesWritten: number; readonly writableLength: number}>();
  const server = http.createServer((request, response) => {
    sockets.add(request.socket);
    request.resume().once('end', () => respond(response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const {port} = server.address() as AddressInfo;
  const upstream = new Upstream({host: '127.0.0.1', port, connections: 4, maxReplyBytes: 20 * MiB, bridgeToken: 'x'}, systemClock);
  t.teardown(() => {
    upstream.destroy(new Fault('DRAINING'));
    server.closeAllConnections();
    server.close();
  });
  return {
    clock,
    budget,
    send(deadline = Number.POSITIVE_INFINITY) {
      const replyHold = budget.open('reply');
      let hasEnded = false;
      const call = {
        invocationId: 'id',
        event: writtenEvent(),
        deadlineMs: 0,
        deadline,
        timeoutMs: 1,
        signal: undefined,
        trace: undefined,
        replyHold,
      };
      const reply = upstream.send(call, () => {
        hasEnded = true;
      });
      reply.catch(() => {});
      return {replyHold, reply, hasEnded: () => hasEnded};
    },
    unsentBytes: () => [...sockets].reduce((sum, {writableLength}) => sum + writableLength, 0),
  };
}

const body = Buffer.alloc(16 * MiB, 'x');
const ways = {
  'with a length': (response: ServerResponse) => void response.writeHead(200, {'Content-Length': body.length}).end(body),
  'in chunks': (response: ServerResponse) => {
    response.write(body.subarray(0, MiB));
    response.end(body.subarray(MiB));
  },
};

for (const [title, respond] of Object.entries(ways)) {
  test(`a reply ${title} waits in the sub-runtime until there is room, and comes whole`, async t => {
    const {send, budget, unsentBytes} = await open(t, respond);
    const first = send();
    t.is((await first.reply).body.length, body.length);
    t.is(budget.bytesOf('reply'), body.length);
    const second = send();
    while (budget.wantedBytes === 0) await settle();
    for (let turns = 0; turns < 50; turns++) await settle();
    t.true(unsentBytes() > 0, 'the sub-runtime has it');
    t.true(budget.heldBytes <= budget.maxBytes);
    first.replyHold.release();
    t.true((await second.reply).body.equals(body));
    second.replyHold.release();
    t.is(budget.heldBytes, 0);
  });

  test(`a reply ${title} for which there is no room is dropped, and its connection with it`, async t => {
    const {send, budget, clock} = await open(t, respond);
    const first = send();
    await first.reply;
    const second = send();
    while (budget.wantedBytes === 0) await settle();
    await clock.advance(1500);
    await t.throwsAsync(second.reply, {code: 'REPLY_NO_ROOM'});
    t.true(second.hasEnded());
    second.replyHold.release();
    t.is(budget.bytesOf('reply'), body.length);
  });

  test(`a reply ${title} that waits past its deadline is let through and forgotten`, async t => {
    const {send, budget} = await open(t, respond);
    const first = send();
    await first.reply;
    const second = send(systemClock.monotonic() + 300);
    await t.throwsAsync(second.reply, {code: 'UPSTREAM_TIMEOUT'});
    second.replyHold.release();
    while (!second.hasEnded()) await settle(); // all of it was sent
    t.is(budget.bytesOf('reply'), body.length);
    t.is(budget.wantedBytes, 0);
  });
}
