import type {ExecutionContext} from 'ava';
import {type Broker, isSent} from './message-broker.ts';
import {message, place, range} from './message-place.ts';

/** Sends many messages while cores and the broker are killed at random: each is called with, and few of them twice. */
export async function manyWithKills(t: ExecutionContext, broker: Broker): Promise<void> {
  const source = await broker.open(t);
  const count = Number(process.env.CORE_TEST_MESSAGES ?? 200);
  const scale = Math.max(1, count / 1000); // about as many kills, however many messages there are
  t.timeout(240_000 * scale);
  const concurrency = 4;
  const {start, calls} = await place(t, {...source.entry, concurrency});
  let core = await start();
  let kills = 0;
  const isDone = async () => new Set(calls().map(({n}) => n)).size === count && (await source.left().catch(() => 1)) === 0;
  const killing = (async () => {
    while (!(await isDone())) {
      await new Promise(resolve => setTimeout(resolve, scale * (300 + Math.random() * 1200)));
      kills++;
      if (kills % 4 === 0) {
        await source.kill();
        await source.restart();
      } else {
        core.kill('SIGKILL');
        await core.exited;
        core = await start();
      }
    }
  })();
  for (let first = 0; first < count; first += 50) {
    const some = range(Math.min(50, count - first), first).map(n => message(n, {ms: 25}));
    while (!(await isSent(source, some))) await new Promise(resolve => setTimeout(resolve, 100));
  }
  await killing;
  const called = calls();
  t.is(new Set(called.map(({n}) => n)).size, count);
  const again = called.length - count;
  const {mostAgain = concurrency} = broker;
  t.true(again <= kills * mostAgain, `${again} called again, though each of ${kills} kills met at most ${mostAgain}`);
  t.log(`${count} messages, ${kills} kills, ${again} called again`);
}
