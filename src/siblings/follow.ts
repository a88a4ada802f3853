import process from 'node:process';
import {systemClock} from '../clock.ts';
import {ConfigurationError} from '../errors.ts';
import {type Served, serve} from '../serve.ts';
import type {Environment} from '../setting.ts';
import {Channel, type Wire} from './channel.ts';
import {LeadersJournal} from './journal.ts';
import type {ToLeader, ToSibling} from './words.ts';

/**
Serves beside the leader, on the same port. The leader alone hears signals, answers on the private port, fires by time
and owns the journal; when it is gone, so is this process.
*/
export async function follow(env: Environment): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
  const opening = Promise.withResolvers<Served>();
  let served: Served | undefined;
  process.on('disconnect', () => {
    served?.abandon();
    process.exit(1);
  });
  const channel = new Channel<ToLeader, ToSibling>(toLeader, {
    readiness: async () => (await opening.promise).readiness(),
    metrics: async () => (await opening.promise).families(),
    reload: async () => (await opening.promise).reload(),
    async stop() {
      const open = await opening.promise;
      await open.stop();
      return open.drainReport();
    },
  });
  process.on('uncaughtException', error => {
    console.error(error);
    // A bug: what is in flight finishes, and the leader starts another.
    if (served) void served.stop().finally(() => process.exit(1));
    else process.exit(1);
  });
  try {
    served = await serve(env, {leader: {journal: shed => new LeadersJournal(channel, {clock: systemClock, shed})}});
    opening.resolve(served);
  } catch (error) {
    console.error(error instanceof ConfigurationError ? error.problems.join('\n') : error);
    process.exit(1);
  }
  channel.tell('listening', undefined);
}

const toLeader: Wire = {
  send: message => void process.send?.(message),
  on: (event, listener) => process.on(event, listener),
};
