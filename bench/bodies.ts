import type {Figures} from './figures.ts';
import type {Load} from './load.ts';
import {type Bench, known, type Question, type Report, race, raceTable, ratio, runAlone, startPeers} from './program.ts';
import {requestTo} from './requests.ts';
import {bridgeProgram, type Server, start, startOurs} from './servers.ts';

/*
What the size of a body costs: a function answers the text that it was sent, from 1 KiB to the largest that is allowed.

    node bench/bodies.ts [rounds] [seconds] [--json]
*/

const sizes = {
  '1 KiB': {bytes: 2 ** 10, connections: 32},
  '100 KiB': {bytes: 100 * 2 ** 10, connections: 16},
  '1 MiB': {bytes: 2 ** 20, connections: 8},
  '6 MiB': {bytes: 6 * 2 ** 20, connections: 4},
} as const;
export type Size = keyof typeof sizes;

const [bridge, core] = ['bridge called directly', '**core**'];

export const bodies = {
  rounds: 3,
  seconds: 1,

  async answer({rounds, seconds, peers}: Bench, chosen: readonly Size[] = ['1 KiB', '100 KiB', '1 MiB', '6 MiB']): Promise<Report> {
    await using stack = new AsyncDisposableStack();
    const servers = new Map<string, Server>([[bridge, await start(await bridgeProgram('echo'), stack)]]);
    servers.set(core, await startOurs('echo', {}, stack));
    const started = await startPeers(peers, ['nginx', 'of-watchdog', 'Go stand-in', 'functions-framework'], 'echo', stack);
    for (const {title, server} of started.values()) servers.set(title, server);

    const tables: string[] = [];
    const figures: {[Name in keyof Figures]: Figures[Name] | undefined} = {};
    for (const size of chosen) {
      const {bytes, connections} = sizes[size];
      const load = (server: Server): Load => ({...requestTo(server, bytes), connections, seconds});
      const results = await race(new Map([...servers].map(([name, server]) => [name, load(server)])), rounds);
      tables.push(`### ${size}, ${connections} connections\n\n${raceTable(results, core)}`);
      figures[`${size} in and out, core / bridge`] = ratio(results.get(core), results.get(bridge));
      const standIn = results.get(started.get('Go stand-in')?.title ?? '');
      figures[`${size} in and out, core / Go stand-in`] = ratio(results.get(core), standIn);
      const framework = results.get(started.get('functions-framework')?.title ?? '');
      if (size === '1 MiB') figures[`${size} in and out, core / functions-framework`] = ratio(results.get(core), framework);
    }
    return {
      title: 'Bodies in and out',
      about:
        'The function answers the text that it was sent. Contenders outside of its process write the body as JSON and read the reply as ' +
        'JSON; the bridge, nginx and of-watchdog get a call that has it as JSON already, and give back the result as it is.',
      tables: tables.join('\n\n'),
      figures: known(figures),
    };
  },
} satisfies Question;

if (import.meta.main) await runAlone(bodies);
