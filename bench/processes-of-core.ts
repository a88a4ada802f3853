import type {Load} from './load.ts';
import {known, type Question, race, raceTable, ratio, runAlone} from './program.ts';
import {requestTo} from './requests.ts';
import {startOurs} from './servers.ts';

/*
Whether a second core process on the same port pays, where it shares two processors with its functions and the load.

    node bench/processes-of-core.ts [rounds] [seconds] [--json]
*/

const [one, two] = ['one core process', 'two core processes'];

export const processesOfCore: Question = {
  rounds: 3,
  seconds: 3,

  async answer({rounds, seconds}) {
    await using stack = new AsyncDisposableStack();
    const servers = [
      [one, await startOurs('message', {}, stack)],
      [two, await startOurs('message', {CORE_PROCESSES: '2'}, stack)],
    ] as const;
    const loads = new Map(servers.map(([name, server]): [string, Load] => [name, {...requestTo(server), connections: 32, seconds}]));
    const results = await race(loads, rounds);
    return {
      title: 'More processes',
      about: '`CORE_PROCESSES`: each process has a function’s process of its own.',
      tables: raceTable(results, one),
      figures: known({'requests/s, two core processes / one': ratio(results.get(two), results.get(one))}),
    };
  },
};

if (import.meta.main) await runAlone(processesOfCore);
