import {type FigureName, type Figures, markdownTable, median, paired, shown, spreadOf} from './figures.ts';
import {type Contender, type Language, languages} from './languages.ts';
import {measureCalls, startOnChannel} from './on-channel.ts';
import {cpuOf, known, p50sOf, type Question, type Raced, type Runs, race, ratesOf, ratio, runAlone, shownOrDash} from './program.ts';
import {requestTo, sampleRuntimeCall} from './requests.ts';
import {newPort, type Server, start, temporaryFolder} from './servers.ts';

/*
Each bridge called on the channel by the core's own client, and over HTTP as when it is run by hand, beside the usual way to
serve that protocol in its language: the same call, the same handler. Installs the usual way into a folder of its own and
removes it.

    node bench/bridges.ts [rounds] [seconds] [--json]
*/

const connections = 32;
const payloads = {'1 KiB': 2 ** 10, '100 KiB': 100 * 2 ** 10, '1 MiB': 2 ** 20};
const head = ['what', 'payload', 'requests/s (min–max)', 'ratio', 'p50 ms', 'CPU µs each', 'CPU ratio', 'errors'];

/** The bridge against the usual way with the smallest payload. */
const figureOf: Readonly<Record<Language, FigureName>> = {
  node: 'Node bridge / Express, 1 KiB',
  python: 'Python bridge / gunicorn + Flask, 1 KiB',
  go: 'Go library / net/http, 1 KiB',
};

export const bridges: Question = {
  rounds: 3,
  seconds: 1,

  async answer({rounds, seconds, peers}) {
    const rows: string[][] = [];
    const figures: {[Name in keyof Figures]: Figures[Name] | undefined} = {};
    for (const language of Object.keys(languages) as Language[]) {
      await using stack = new AsyncDisposableStack();
      const found = await languages[language](await temporaryFolder(stack), peers).catch((error: Error) => error);
      if (found instanceof Error) {
        rows.push([`not measured: ${language}, ${found.message.split('\n')[0]}`, ...head.slice(1).map(() => '–')]);
        continue;
      }
      const {usual, bridge, bare, concurrency} = found;
      const servers = new Map<string, Server>();
      for (const contender of bare ? [usual, bridge, bare] : [usual, bridge]) servers.set(contender.name, await serve(contender, stack));
      const onChannel = await startOnChannel({...bridge, concurrency}, stack);
      const channel = `${bridge.name}, on the channel`;
      for (const [payload, bytes] of Object.entries(payloads)) {
        const loads = new Map(
          [...servers].map(([name, server]): [string, Raced] => [name, {...requestTo(server, bytes), connections, seconds}]),
        );
        const [call, atOnce] = [sampleRuntimeCall(bytes), Math.min(connections, concurrency)];
        if (onChannel) loads.set(channel, () => measureCalls(onChannel.hop, call, {atOnce, seconds, pids: [onChannel.pid]}));
        const results = await race(loads, rounds);
        for (const [name, runs] of results) rows.push(rowOf(name, payload, runs, results.get(usual.name)));
        if (payload === '1 KiB')
          figures[figureOf[language]] = ratio(results.get(onChannel ? channel : bridge.name), results.get(usual.name));
      }
    }
    return {
      title: 'Bridges',
      about:
        'A call of the core’s protocol, with the same text for every contender, sent straight to the sub-runtime; the handler answers a ' +
        'small envelope. Beside each bridge stands the usual way to serve that call in its language: the framework parses the JSON, ' +
        'the handler is called, the result is written as JSON. The ratio is to the usual way. With larger payloads, more of the time ' +
        'is JSON’s. Over HTTP a bridge is served by its language’s own server, as when it is run by hand. On the channel the core’s own ' +
        'client calls it, with as many calls at a time as the core gives it; that client takes more of the machine than wrk does, so ' +
        'the CPU time says more than the rate.',
      tables: markdownTable(head, rows),
      figures: known(figures),
    };
  },
};

function rowOf(name: string, payload: string, runs: Runs, base: Runs | undefined): string[] {
  const rates = ratesOf(runs);
  const errors = runs.reduce((sum, each) => sum + each.errors, 0);
  const cpu = [shownOrDash(median(cpuOf(runs)), 1), shownOrDash(paired(cpuOf(runs), cpuOf(base)).median, 2)];
  const p50 = (median(p50sOf(runs)) / 1000).toFixed(2);
  return [name, payload, shown(spreadOf(rates)), shown(paired(rates, ratesOf(base))), p50, ...cpu, String(errors)];
}

async function serve({command, env}: Contender, stack: AsyncDisposableStack): Promise<Server> {
  const port = await newPort();
  const places = {SCW_UPSTREAM_PORT: String(port), GUNICORN_CMD_ARGS: `--bind 127.0.0.1:${port}`, SCW_HANDLER_NAME: 'handle'};
  return start({command, env: {...places, ...env}, port, takes: 'calls'}, stack);
}

if (import.meta.main) await runAlone(bridges);
