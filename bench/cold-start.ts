import net from 'node:net';
import {systemClock} from '../src/clock.ts';
import {markdownTable, shown, spreadOf} from './figures.ts';
import {known, type Question, runAlone} from './program.ts';
import {requestTo} from './requests.ts';
import {bridgeProgram, ourProgram, type Program, spawnProgram} from './servers.ts';
import {buildOurs} from './shipped.ts';

/*
How long from starting a program to its first good answer: asked again and again from the first moment.

    node bench/cold-start.ts [rounds] [--json]
*/

const [bridge, core, source] = ['bridge alone', '**core**, as it ships', '**core**, from its TypeScript source'];

export const coldStart: Question = {
  rounds: 11,
  seconds: 0,

  async answer({rounds, peers}) {
    await using stack = new AsyncDisposableStack();
    const built = await buildOurs(stack);
    const programs = new Map<string, (stack: AsyncDisposableStack) => Promise<{program: Program}>>([
      [bridge, async () => ({program: await bridgeProgram('message')})],
      [core, async stack => ({program: await ourProgram('message', stack, {main: built})})],
      [source, async stack => ({program: await ourProgram('message', stack)})],
    ]);
    for (const name of ['of-watchdog', 'Go stand-in', 'functions-framework'] as const) {
      const peer = await peers.find(name);
      if (peer) programs.set(peer.title, stack => peer.prepare('message', stack));
    }
    const times = new Map([...programs.keys()].map((name): [string, number[]] => [name, []]));
    for (let round = 0; round <= rounds; round++) {
      for (const [name, prepare] of programs) {
        const ms = await timeOf(prepare);
        if (round > 0) times.get(name)?.push(ms); // the first fills the compile cache and the page cache
      }
    }
    const spread = (name: string) => spreadOf(times.get(name) ?? []);
    return {
      title: 'Cold start',
      about:
        'From the start of the program to the first answer of 2xx, in milliseconds, asked every millisecond. Where the function has a ' +
        'process of its own, the start includes it. As it ships: plain JavaScript, as in the image and the package. The compile cache is warm.',
      tables: markdownTable(
        ['what', 'ms (min–max)'],
        [...programs.keys()].map(name => [name, shown(spread(name))]),
      ),
      figures: known({
        'exec to first 2xx, bridge': spread(bridge),
        'exec to first 2xx, core': spread(core),
        'exec to first 2xx, core from source': spread(source),
      }),
    };
  },
};

async function timeOf(prepare: (stack: AsyncDisposableStack) => Promise<{program: Program}>): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const {program} = await prepare(stack);
  const {method = 'GET', headers = {}, body = ''} = requestTo({url: '', pids: [], takes: program.takes ?? 'requests'});
  const fields = {Host: 'localhost', 'Content-Length': String(Buffer.byteLength(body)), Connection: 'close', ...headers};
  const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const message = `${method} / HTTP/1.1\r\n${head.join('')}\r\n${body}`;

  const started = systemClock.monotonic();
  const child = spawnProgram(program, stack);
  while (!/^HTTP\/1\.1 2/.test(await answerOf(program.port, message))) {
    if (child.over()) throw new Error(`${program.command.join(' ')} ended: ${child.stderr()}`);
    await systemClock.sleep(1);
  }
  return systemClock.monotonic() - started;
}

/** The beginning of an answer; empty when there is none. */
function answerOf(port: number, message: string): Promise<string> {
  return new Promise(resolve => {
    const socket = net.connect({host: '127.0.0.1', port, noDelay: true}, () => socket.write(message));
    socket.once('data', chunk => resolve(String(chunk)));
    socket.once('error', () => resolve(''));
    socket.once('close', () => resolve(''));
    socket.once('data', () => socket.destroy());
  });
}

if (import.meta.main) await runAlone(coldStart);
