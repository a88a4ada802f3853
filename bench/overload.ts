import {execFile} from 'node:child_process';
import {promisify} from 'node:util';
import {projectFile} from '../test/helpers/core.ts';
import {markdownTable, shown, spreadOf} from './figures.ts';
import {measure} from './load.ts';
import type {Offered, Outcome} from './overload-client.ts';
import {known, type Question, runAlone, startPeers} from './program.ts';
import {requestTo} from './requests.ts';
import {type Server, startOurs} from './servers.ts';

/*
What is left of a server that is asked for ten times what it can do: a function that works for two milliseconds, first as
fast as it can, then at ten times that rate, which does not wait for answers.

    node bench/overload.ts [rounds] [seconds] [--json]
*/

const times = 10;
const settings = {CORE_CONCURRENCY: '8', CORE_QUEUE: '32'};
const [core, bounded] = ['**core**', `**core**, ${settings.CORE_CONCURRENCY} at a time, ${settings.CORE_QUEUE} waiting`];
const head = ['what', 'capacity/s', `good/s at ${times}× (min–max)`, 'of capacity', 'p50 ms', 'p99 ms', 'refused', 'p99 ms', 'lost'];

interface Round extends Outcome {
  readonly capacity: number;
  readonly goodPerSecond: number;
}

export const overload: Question = {
  rounds: 3,
  seconds: 3,

  async answer({rounds, seconds, peers}) {
    await using stack = new AsyncDisposableStack();
    const servers = new Map<string, Server>([
      [bounded, await startOurs('busy', settings, stack)],
      [core, await startOurs('busy', {}, stack)],
    ]);
    const started = await startPeers(peers, ['of-watchdog', 'functions-framework'], 'busy', stack);
    for (const {title, server} of started.values()) servers.set(title, server);

    const results = new Map([...servers.keys()].map((name): [string, Round[]] => [name, []]));
    for (let round = 0; round < rounds; round++) {
      for (const [name, server] of servers) results.get(name)?.push(await overloaded(server, seconds));
    }
    const of = (name: string, pick: (round: Round) => number) => spreadOf((results.get(name) ?? []).map(pick));
    const kept = (round: Round) => round.goodPerSecond / round.capacity;
    const rows = [...servers.keys()].map(name => [
      name,
      shown(of(name, round => round.capacity)),
      shown(of(name, round => round.goodPerSecond)),
      shown(of(name, kept)),
      ...[of(name, round => round.p50Ms), of(name, round => round.p99Ms)].map(({median}) => median.toFixed(0)),
      ...[of(name, round => round.refused / round.sent)].map(({median}) => `${(median * 100).toFixed(0)} %`),
      ...[of(name, round => round.refusedP99Ms)].map(({median}) => median.toFixed(0)),
      ...[of(name, round => round.lost / round.sent)].map(({median}) => `${(median * 100).toFixed(0)} %`),
    ]);
    return {
      title: 'Overload',
      about:
        `Capacity: what 8 connections get when each waits for its answers. Then ${times} times that rate for ${seconds} s, whether answers ` +
        'come or not; times count from when each request was due. Refused: 429 and 503, at once. Lost: no answer before the time was ' +
        'over, or a broken connection. The client and the refusals share the machine’s processors with the function.',
      tables: markdownTable(head, rows),
      figures: known({
        'good answers/s at 10×, core / its capacity': of(bounded, kept),
        'p99 of a good answer at 10×, core': of(bounded, round => round.p99Ms),
      }),
    };
  },
};

async function overloaded(server: Server, seconds: number): Promise<Round> {
  const {pids, ...load} = requestTo(server);
  const {requestsPerSecond: capacity} = await measure({...load, connections: 8, seconds: 1});
  const offered: Offered = {load, perSecond: capacity * times, seconds};
  const {stdout} = await promisify(execFile)(process.execPath, [projectFile('bench/overload-client.ts'), JSON.stringify(offered)]);
  const outcome: Outcome = JSON.parse(stdout);
  await measure({...load, connections: 1, seconds: 1}); // until what was left behind is done
  return {...outcome, capacity, goodPerSecond: outcome.good / seconds};
}

if (import.meta.main) await runAlone(overload);
