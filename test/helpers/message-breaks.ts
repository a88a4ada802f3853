import {writeFile} from 'node:fs/promises';
import type {ExecutionContext} from 'ava';
import {type Broker, isSent} from './message-broker.ts';
import {message, metric, place, range, until} from './message-place.ts';

/** Ends the broker while a function runs that does not end: other messages are handled, and that one is not called with beside itself. */
export async function brokenWhileRunning(t: ExecutionContext, broker: Broker): Promise<void> {
  const source = await broker.open(t);
  const {folder, start, calls} = await place(t, {...source.entry, concurrency: 2});
  const core = await start();
  const timesOf = (n: number) => calls().filter(call => call.n === n).length;
  await source.send([message(1, {until: `${folder}/first`})]);
  await until(() => timesOf(1) === 1);
  await source.kill();
  await until(async () => (await metric(core, 'core_messages_connected')) === 0);
  await source.restart();

  const others = range(8, 2).map(n => message(n, {until: `${folder}/others`}));
  while (!(await isSent(source, others))) await new Promise(resolve => setTimeout(resolve, 100)); // it listens before it takes any
  await until(() => calls().some(({n}) => n !== 1));
  t.is(await metric(core, 'core_messages_connected'), 1);
  for (let look = 0; look < 50; look++) await metric(core, 'core_messages_in_flight');
  t.is(timesOf(1), 1);
  t.is(calls().length, 2, 'the call of before has its place');

  for (const gate of ['others', 'first']) await writeFile(`${folder}/${gate}`, '');
  await until(async () => new Set(calls().map(({n}) => n)).size === 9 && (await source.left()) === 0);
  if (!broker.hasNoIds) t.is(timesOf(1), 1, 'it is known when it is delivered again');
}
