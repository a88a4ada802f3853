import {systemClock} from '../src/clock.ts';
import {markdownTable, type Spread, shown, spreadOf} from './figures.ts';
import {measure} from './load.ts';
import {residentMemory} from './processes.ts';
import {known, type Question, runAlone} from './program.ts';
import {requestTo} from './requests.ts';
import {bridgeProgram, ourProgram, type Program, start} from './servers.ts';
import {buildOurs} from './shipped.ts';

/*
Resident memory a moment after the first request, and a moment after a load of 32 connections.

    node bench/memory.ts [rounds] [seconds] [--json]
*/

const [bridge, core, source] = ['bridge alone', '**core**, as it ships', '**core**, from its TypeScript source'];
const settleMs = 1000;

interface Sample {
  /** Of what stands in front of the function's process; of the whole where there is nothing in front. */
  readonly own: number;
  readonly whole: number;
}
type Prepare = (stack: AsyncDisposableStack) => Promise<{before?: Program; program: Program}>;

export const memory: Question = {
  rounds: 3,
  seconds: 1,

  async answer({rounds, seconds, peers}) {
    await using stack = new AsyncDisposableStack();
    const built = await buildOurs(stack);
    const programs = new Map<string, Prepare>([
      [bridge, async () => ({program: await bridgeProgram('message')})],
      [core, async stack => ({program: await ourProgram('message', stack, {main: built})})],
      [source, async stack => ({program: await ourProgram('message', stack)})],
    ]);
    for (const name of ['nginx', 'of-watchdog', 'Go stand-in', 'functions-framework'] as const) {
      const peer = await peers.find(name);
      if (peer) programs.set(peer.title, stack => peer.prepare('message', stack));
    }
    const samples = new Map([...programs.keys()].map((name): [string, {idle: Sample; loaded: Sample}[]] => [name, []]));
    for (let round = 0; round < rounds; round++) {
      for (const [name, prepare] of programs) samples.get(name)?.push(await sample(prepare, seconds));
    }
    const spread = (name: string, when: 'idle' | 'loaded', what: keyof Sample): Spread =>
      spreadOf((samples.get(name) ?? []).map(each => each[when][what] / 1e6));
    const rows = [...programs.keys()].map(name => [
      name,
      ...(['idle', 'loaded'] as const).flatMap(when => (['own', 'whole'] as const).map(what => shown(spread(name, when, what)))),
    ]);
    return {
      title: 'Memory',
      about:
        `Resident megabytes (10⁶ bytes), ${settleMs / 1000} s after the first request, and as long after ${seconds} s of load on 32 connections. ` +
        'In all adds the function’s process; pages that processes share count for each. The compile cache is warm.',
      tables: markdownTable(['what', 'idle', 'idle, in all', 'after load', 'after load, in all'], rows),
      figures: known({
        'resident idle, core': spread(core, 'idle', 'own'),
        'resident idle, core from source': spread(source, 'idle', 'own'),
        'resident after load, core': spread(core, 'loaded', 'own'),
      }),
    };
  },
};

async function sample(prepare: Prepare, seconds: number): Promise<{idle: Sample; loaded: Sample}> {
  await using stack = new AsyncDisposableStack();
  const {before, program} = await prepare(stack);
  const first = before && (await start(before, stack));
  const server = await start(program, stack);
  const pids = [...server.pids, ...(first?.pids ?? [])];
  const {url, method = 'GET', headers = {}, body} = requestTo(server);
  await (await fetch(url, {method, headers, ...(body !== undefined && {body})})).text();
  await systemClock.sleep(settleMs);
  const idle = read(pids);
  await measure({...requestTo(server), connections: 32, seconds});
  await systemClock.sleep(settleMs);
  return {idle, loaded: read(pids)};
}

function read(pids: readonly number[]): Sample {
  const all = residentMemory(pids);
  const total = (list: typeof all) => list.reduce((sum, {bytes}) => sum + bytes, 0);
  const whole = total(all);
  // A built core has a copy of the bridge. Programs that start the bridge name it among their arguments, too, but later.
  const front = all.filter(({args}) => !args[1]?.endsWith('/runtimes/node/bridge.cjs'));
  return {own: front.length > 0 ? total(front) : whole, whole};
}

if (import.meta.main) await runAlone(memory);
