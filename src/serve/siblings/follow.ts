import {viewCore} from '../../admin/core-view.ts';
import {isoStamp, systemClock} from '../../clock.ts';
import {boundGarbage} from '../../limits/heap.ts';
import {staySmall} from '../../limits/small-start.ts';
import type {Environment} from '../../settings/setting.ts';
import {recordConsole} from '../console-lines.ts';
import {reportRefusal} from '../refused.ts';
import {type Served, serve} from '../serve.ts';
import {LeadersJournal} from './journal.ts';
import {Pulse} from './pulse.ts';
import {Channel, type Wire} from './wire.ts';
import type {Account, ToLeader, ToSibling} from './words.ts';

/** Time between two signs of life. When this process is killed, what it counted since the last one is lost. */
const beatMs = 200;
/** The leader may be stopped, or its event loop may stand still. */
const leadersPulse = {lookMs: 1000, silentAfter: 10};
/** Longest wait, at the end of this process, until the leader has its last account. */
const lastBeatMs = 1000;

/**
Serves beside the leader, on the same port. The leader alone hears signals, answers on the private port, fires by time
and owns the journal; when it ends, this process ends, too. While the leader hangs, this process goes on serving, and
holds a bounded number of facts and log lines for it.
*/
export async function follow(env: Environment): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
  const opening = Promise.withResolvers<Served>();
  let served: Served | undefined;
  recordConsole(() => served?.log);
  process.on('disconnect', () => {
    served?.abandon();
    process.exit(1);
  });
  const channel = new Channel<ToLeader, ToSibling>(
    toLeader,
    {
      readiness: async () => (await opening.promise).readiness(),
      processes: async () => viewCore((await opening.promise).places(), false),
      account: async () => accountOf(await opening.promise),
      reload: async () => (await opening.promise).reload(),
      async stop() {
        const open = await opening.promise;
        await open.stop();
        return accountOf(open);
      },
    },
    systemClock,
  );
  process.on('uncaughtException', error => {
    console.error(error);
    // A bug: what is in flight finishes, and the leader starts another.
    if (served) void endAfter(served, channel);
    else process.exit(1);
  });
  try {
    served = await serve(env, {leader: {journal: meter => new LeadersJournal(channel, {...meter, clock: systemClock})}});
    opening.resolve(served);
    boundGarbage();
    staySmall();
  } catch (error) {
    process.exit(reportRefusal(error, env));
  }
  channel.tell('listening', undefined);
  await beat(served, channel);
}

/** Shows signs of life, one after another: the next is sent when the leader has answered the last. */
async function beat(served: Served, channel: Channel<ToLeader, ToSibling>): Promise<void> {
  const pulse = new Pulse({...leadersPulse, onSilent: () => console.error(silence())}, systemClock);
  do {
    await channel.ask('beat', await accountOf(served)).catch(() => {});
    pulse.beat();
  } while (await systemClock.sleep(beatMs));
}

/** For the error output, as log lines wait for the leader. */
function silence(): string {
  const msg = 'The leading core process does not answer: this one goes on serving, and may lose what it records';
  return JSON.stringify({level: 'error', time: isoStamp(systemClock.now()), pid: process.pid, msg});
}

async function accountOf(served: Served): Promise<Account> {
  return {families: await served.families(), drain: served.drainReport()};
}

async function endAfter(served: Served, channel: Channel<ToLeader, ToSibling>): Promise<void> {
  await served.stop().catch(error => console.error(error));
  await channel.ask('beat', await accountOf(served), lastBeatMs).catch(() => {});
  process.exit(1);
}

const toLeader: Wire = {
  send: message => void process.send?.(message),
  on: (event, listener) => process.on(event, listener),
};
