import test from 'ava';
import type {Fault} from '../../../src/errors.ts';
import {Budget} from '../../../src/limits/budget.ts';
import type {Connection} from '../../../triggers/http/connection.ts';
import {HeadWatch} from '../../../triggers/http/heads.ts';
import {ManualClock} from '../../helpers/clock.ts';

/** A watch over connections that have sent so many bytes of a head. */
function open(maxBytes: number) {
  const clock = new ManualClock();
  const budget = new Budget(maxBytes, clock);
  const connections = new Set<Connection>();
  const refused: [unknown, string][] = [];
  const watch = new HeadWatch(connections, budget, clock, (socket, fault: Fault) => refused.push([socket, fault.code]));
  return {
    clock,
    budget,
    connections,
    refused,
    watch,
    add(socket: string, unservedBytes: number) {
      const connection = {socket, unservedBytes} as unknown as Connection; // all that a watch looks at
      connections.add(connection);
      watch.start();
      return connection;
    },
  };
}

test('heads that are not whole are charged, and past the limit the longest is refused', async t => {
  const {clock, budget, refused, add} = open(60_000);
  add('short', 10_000);
  add('long', 30_000);
  await clock.advance(200);
  t.is(budget.heldBytes, 40_000);
  t.deepEqual(refused, []);
  add('longest', 40_000);
  await clock.advance(200);
  t.is(budget.heldBytes, 40_000);
  t.deepEqual(refused, [['longest', 'INFLIGHT_FULL']]);
});

test('the watch has one timer, however often connections come and go, and none without connections', async t => {
  const {clock, connections, add} = open(1000);
  for (let round = 0; round < 10; round++) {
    const connection = add('', 0);
    t.is(clock.pending, 1);
    connections.delete(connection);
  }
  const last = add('', 0);
  await clock.advance(1000);
  t.is(clock.pending, 1);
  connections.delete(last);
  await clock.advance(200);
  t.is(clock.pending, 0);
  add('', 0);
  t.is(clock.pending, 1);
});
