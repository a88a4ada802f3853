import type {Load} from './load.ts';
import {olderCore} from './older-core.ts';
import {cpuOf, known, type Question, race, raceTable, ratio, runAlone} from './program.ts';
import {requestTo} from './requests.ts';
import {ourProgram, type Server, start, startOurs} from './servers.ts';

/*
What a call costs now against what it cost at an older commit: small calls, and 1 MiB in and out. Both run from their source.

    node bench/older.ts [rounds] [seconds] [commit] [--json]
*/

/** The last core that called its own bridges over HTTP. */
const beforeChannel = 'a89343b';
const mebibyte = 2 ** 20;

/** The core against itself at a commit. */
export const against = (commit: string): Question => ({
  rounds: 5,
  seconds: 2,

  async answer({rounds, seconds}) {
    await using stack = new AsyncDisposableStack();
    const main = await olderCore(commit, stack);
    const [core, older] = ['**core**', `core at ${commit}`];
    const tables: string[] = [];

    const compare = async (title: string, serve: 'message' | 'echo', bytes: number, connections: number) => {
      await using stack = new AsyncDisposableStack();
      const servers = new Map<string, Server>([
        [older, await start(await ourProgram(serve, stack, {main}), stack)],
        [core, await startOurs(serve, {}, stack)],
      ]);
      const load = (server: Server): Load => ({...requestTo(server, bytes), connections, seconds});
      const results = await race(new Map([...servers].map(([name, server]) => [name, load(server)])), rounds);
      tables.push(`### ${title}, ${connections} connections\n\n${raceTable(results, older)}`);
      return [results.get(core), results.get(older)] as const;
    };
    const small = await compare('A small call', 'message', 0, 32);
    const large = await compare('1 MiB in and out', 'echo', mebibyte, 8);
    return {
      title: 'Against an older core',
      about: `The core, and the core at commit ${commit}, each with its own Node bridge. CPU is the time of the core and of the function’s process together.`,
      tables: tables.join('\n\n'),
      figures:
        commit === beforeChannel
          ? known({
              'CPU of a request, core / before the channel': ratio(...small, cpuOf),
              'requests/s, core / before the channel': ratio(...small),
              '1 MiB in and out, CPU of core / before the channel': ratio(...large, cpuOf),
              '1 MiB in and out, core / before the channel': ratio(...large),
            })
          : {},
    };
  },
});

export const older = against(beforeChannel);

if (import.meta.main) await runAlone(against(process.argv.slice(2).filter(argument => !argument.startsWith('--'))[2] ?? beforeChannel));
