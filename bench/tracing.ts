import type {Load} from './load.ts';
import {cpuOf, known, type Question, race, raceTable, ratio, runAlone} from './program.ts';
import {requestTo} from './requests.ts';
import {type Server, startCollector, startOurs} from './servers.ts';

/*
What tracing costs: the core with every request sampled and exported, one in ten, and none.

    node bench/tracing.ts [rounds] [seconds] [--json]
*/

const [off, on, tenth] = ['tracing off', 'tracing on, every request', 'tracing on, one request in ten'];

export const tracing: Question = {
  rounds: 3,
  seconds: 2,

  async answer({rounds, seconds}) {
    await using stack = new AsyncDisposableStack();
    const collector = await startCollector(stack);
    const sampler = {OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.1'};
    const servers = new Map<string, Server>([
      [off, await startOurs('message', {}, stack)],
      [on, await startOurs('message', collector, stack)],
      [tenth, await startOurs('message', {...collector, ...sampler}, stack)],
    ]);
    const loads = new Map([...servers].map(([name, server]): [string, Load] => [name, {...requestTo(server), connections: 32, seconds}]));
    const results = await race(loads, rounds);
    return {
      title: 'Tracing',
      about:
        'Two spans a request, exported over OTLP to a collector in a process of its own that keeps none. It shares the machine’s cores ' +
        'with the core, so the rate also pays for the collector; the CPU time of a request does not.',
      tables: raceTable(results, off),
      figures: known({
        'requests/s, traced / untraced': ratio(results.get(on), results.get(off)),
        'CPU of a request, traced / untraced': ratio(results.get(on), results.get(off), cpuOf),
      }),
    };
  },
};

if (import.meta.main) await runAlone(tracing);
