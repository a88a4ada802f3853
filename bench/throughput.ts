import {spreadOf} from './figures.ts';
import type {Load} from './load.ts';
import {cpuOf, known, type Question, race, raceTable, ratio, runAlone, startPeers} from './program.ts';
import {requestTo} from './requests.ts';
import {bareProgram, bridgeProgram, type Server, start, startCollector, startOurs} from './servers.ts';

/*
How many requests a second, and what each costs: everybody serves the same small function to 32 connections.

    node bench/throughput.ts [rounds] [seconds] [--json]
*/

const connections = 32;
const [bridge, bare] = ['bridge called directly', 'node:http that reads nothing'];
const [core, traced, unjournaled] = ['**core**', '**core**, tracing on', '**core**, no facts'];

export const throughput: Question = {
  rounds: 5,
  seconds: 2,

  async answer({rounds, seconds, peers}) {
    await using stack = new AsyncDisposableStack();
    const servers = new Map<string, Server>([[bridge, await start(await bridgeProgram('message'), stack)]]);
    servers.set(bare, await start(await bareProgram(), stack));
    const started = await startPeers(peers, ['nginx', 'of-watchdog', 'Go stand-in', 'functions-framework', 'Express'], 'message', stack);
    servers.set(core, await startOurs('message', {}, stack));
    servers.set(traced, await startOurs('message', await startCollector(stack), stack));
    servers.set(unjournaled, await startOurs('message', {CORE_JOURNAL_HTTP: 'off'}, stack));
    for (const {title, server} of started.values()) servers.set(title, server);

    const loads = new Map([...servers].map(([name, server]): [string, Load] => [name, {...requestTo(server), connections, seconds}]));
    const results = await race(loads, rounds);
    const of = (name: string) => results.get(name);
    const peer = (name: Parameters<typeof started.get>[0]) => of(started.get(name)?.title ?? '');
    const cpu = (runs = of('')) => runs && spreadOf(cpuOf(runs));
    return {
      title: 'Throughput',
      about:
        'The same function (a small JSON object, 201), 32 connections. The bridge (which serves HTTP when it is run by hand), the bare node:http, nginx and of-watchdog are sent calls of the core’s ' +
        'protocol, the others a GET. The core does all that it does by default; tracing on exports a span of every request and of every ' +
        'call to a collector in another process. CPU is the time of all processes of a contender, without the load generator’s and the collector’s.',
      tables: raceTable(results, core),
      figures: known({
        'requests/s, core / bridge': ratio(of(core), of(bridge)),
        'requests/s, core traced / bridge': ratio(of(traced), of(bridge)),
        'requests/s, core / bare node:http': ratio(of(core), of(bare)),
        'requests/s, core traced / bare node:http': ratio(of(traced), of(bare)),
        'requests/s, core / nginx': ratio(of(core), peer('nginx')),
        'requests/s, core / of-watchdog': ratio(of(core), peer('of-watchdog')),
        'requests/s, core / Go stand-in': ratio(of(core), peer('Go stand-in')),
        'requests/s, core traced / Go stand-in': ratio(of(traced), peer('Go stand-in')),
        'requests/s, core / functions-framework': ratio(of(core), peer('functions-framework')),
        'requests/s, core / Express': ratio(of(core), peer('Express')),
        'CPU of a request, bridge': cpu(of(bridge)),
        'CPU of a request, core': cpu(of(core)),
        'CPU of a request, core traced': cpu(of(traced)),
        'CPU of a request, functions-framework': cpu(peer('functions-framework')),
      }),
    };
  },
};

if (import.meta.main) await runAlone(throughput);
