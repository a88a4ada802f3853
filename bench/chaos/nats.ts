import {setTimeout as pause} from 'node:timers/promises';
import {systemClock} from '../../src/clock.ts';
import {openArchive} from '../../src/journals/nats/archive.ts';
import {type NatsNode, startNats} from '../../test/helpers/nats.ts';
import {canNetwork, type Machine, openNetwork} from '../../test/helpers/networks.ts';
import {type Outcome, trial} from './trial.ts';
import {random, shuffled, type Trouble} from './troubles.ts';

/** Three cores on three NATS servers. */
export async function chaosOnNats(seconds: number): Promise<Outcome> {
  using network = canNetwork() ? openNetwork(3) : undefined;
  const machines = network?.machines ?? [];
  await using cluster = await startNats(3, {machines});
  const location = `//${cluster.hosts}/chaos`;
  return await trial({
    seconds,
    env: {CORE_JOURNAL: `nats:${location}`, CORE_JOURNAL_SYNCED: cluster.monitors},
    troubles: troublesOf(cluster.nodes, machines),
    openArchive: () => openArchive(location, systemClock),
  });
}

/** One that stands twice comes twice as often. @param machines where the servers run, if they can be cut off */
function troublesOf(nodes: readonly NatsNode[], machines: readonly Machine[]): Trouble[] {
  const killed = async (count: number, longestMs: number) => {
    const some = shuffled(nodes).slice(0, count);
    await Promise.all(some.map(node => node.kill()));
    await pause(random(0, longestMs));
    await Promise.all(some.map(node => node.start()));
  };
  const stopped = async () => {
    const [one] = shuffled(nodes);
    one?.process.kill('SIGSTOP');
    await pause(random(500, 12_000));
    one?.process.kill('SIGCONT');
  };
  // From the other servers, not from the cores: those that ask it must not be told what was true before.
  const cutOff = async () => {
    const [alone, ...others] = shuffled(machines);
    alone?.cut(others);
    await pause(random(2000, 20_000));
    alone?.mend();
  };
  const cuts: Trouble[] =
    machines.length > 0
      ? [
          ['server cut off', cutOff],
          ['server cut off', cutOff],
        ]
      : [];
  return [...cuts, ['server killed', () => killed(1, 4000)], ['server stopped', stopped], ['two servers killed', () => killed(2, 3000)]];
}
