import {paired, spreadOf} from './figures.ts';
import type {Load} from './load.ts';
import {known, p50sOf, type Question, race, raceTable, ratio, runAlone, startPeers} from './program.ts';
import {requestTo} from './requests.ts';
import {bridgeProgram, type Server, start, startOurs} from './servers.ts';

/*
How long one request takes that nothing else delays: one connection at a time.

    node bench/latency.ts [rounds] [seconds] [--json]
*/

const [bridge, core] = ['bridge called directly', '**core**'];

export const latency: Question = {
  rounds: 5,
  seconds: 1,

  async answer({rounds, seconds, peers}) {
    await using stack = new AsyncDisposableStack();
    const servers = new Map<string, Server>([[bridge, await start(await bridgeProgram('message'), stack)]]);
    servers.set(core, await startOurs('message', {}, stack));
    const started = await startPeers(peers, ['nginx', 'of-watchdog', 'Go stand-in', 'functions-framework'], 'message', stack);
    for (const {title, server} of started.values()) servers.set(title, server);

    const loads = new Map([...servers].map(([name, server]): [string, Load] => [name, {...requestTo(server), connections: 1, seconds}]));
    const results = await race(loads, rounds);
    const added = (name = '') =>
      ratio(results.get(name), results.get(bridge), p50sOf) && paired(p50sOf(results.get(name)), p50sOf(results.get(bridge)), minus);
    return {
      title: 'Latency at one connection',
      about: 'The same function and requests on one connection, so that no request waits for another.',
      tables: raceTable(results, bridge),
      figures: known({
        'p50 at one connection, core': spreadOf(p50sOf(results.get(core))),
        'p50 at one connection, core − bridge': added(core),
        'p50 at one connection, Go stand-in − bridge': added(started.get('Go stand-in')?.title),
      }),
    };
  },
};

const minus = (one: number, other: number) => one - other;

if (import.meta.main) await runAlone(latency);
