import path from 'node:path';
import {triggers} from '../../triggers/index.ts';
import {isoStamp, systemClock} from '../clock.ts';
import type {Given} from '../command/arguments.ts';
import {command} from '../command/command.ts';
import {CommandFailed} from '../command/failure.ts';
import {complain} from '../command/terminal.ts';
import type {Input} from '../delivery.ts';
import {inkFor} from '../dev/terminal/ink.ts';
import {type ExitCode, exit} from '../exit.ts';
import {chooseFunction} from '../invoke/choose.ts';
import {Call} from '../invoke/delivery.ts';
import {dueNow, requestInput} from '../invoke/input.ts';
import {printAnswer, printLine} from '../invoke/print.ts';
import {readData, readEventFile} from '../invoke/read.ts';
import type {FunctionLine} from '../log.ts';
import {NotStarted, openAlone} from '../serve/alone.ts';
import {readWanted, type Wanted} from '../serve/wanted.ts';
import {parseSettings} from '../settings/setting.ts';
import {invokeArguments, invokeOptions} from './invoke-options.ts';
import {untilInterrupted} from './journal-at.ts';

type Wish = Given<typeof invokeOptions, typeof invokeArguments>;

/**
`core-runtime invoke [function]`: calls a function once, in a process of its own behind the stages of a core, without a port.
The body is on stdout; status, headers and what the function prints are on stderr.
*/
export const invoke = command({
  summary: 'Calls a function once, without a server, and prints its answer.',
  arguments: invokeArguments,
  options: invokeOptions,
  examples: {
    'invoke handler.js --query name=Ada': 'Send GET /?name=Ada to handler.js.',
    'invoke -d @order.json --path /orders': 'Send POST /orders to the function in the current folder.',
    'invoke --name report --cron': 'Call a function of serverless.yml as a schedule does.',
  },
  checksSettings: false, // those of the function's .env count, too, and are checked with them
  async run(wish, env) {
    const {function: given, name, 'env-file': envFile} = wish;
    const {folder, environment, notes} = await chooseFunction({given, name, envFile: envFile && path.resolve(envFile)}, env);
    for (const note of notes) complain(note);
    const wanted = readWanted(environment);
    const reading = {folder, ink: inkFor(process.stderr.isTTY === true, env)};
    const {payloadMaxBytes} = parseSettings(triggers.http.settings, wanted.env);
    const input = await inputOf(wish, payloadMaxBytes);
    const lines: FunctionLine[] = [];
    const signal = untilInterrupted();
    const started = systemClock.monotonic();
    const call = new Call(input, payloadMaxBytes);
    {
      await using alone = await open(wanted, signal, line => (wish.json ? lines.push(line) : printLine(line, reading)));
      await alone.deliver(call, call);
    }
    if (signal.aborted) throw new CommandFailed(exit.failed, 'interrupted before the function had answered');
    const {result} = call;
    if (!result) throw new TypeError('Expected the stages to have replied');
    const isHead = input.shape === 'request' && input.method === 'HEAD';
    printAnswer({result, lines, isHead, durationMs: systemClock.monotonic() - started}, wish);
    return codeOf(result.status, result.fault !== undefined);
  },
});

function codeOf(status: number, isFault: boolean): ExitCode {
  if (isFault && status >= 500) return exit.functionFailed;
  return status >= 400 ? exit.failed : exit.done;
}

async function inputOf(wish: Wish, maxBytes: number): Promise<Input> {
  const body = wish.data === undefined ? undefined : await readData(wish.data, maxBytes);
  if (!wish.cron) {
    const event = wish.event === undefined ? undefined : readEventFile(wish.event, maxBytes);
    return requestInput({event, method: wish.method, path: wish.path, headers: wish.header, query: wish.query, body});
  }
  const of = (['method', 'path', 'header', 'query', 'event'] as const).find(name => (wish[name]?.length ?? 0) > 0);
  if (of !== undefined) throw new CommandFailed(exit.misused, `--${of}: does not go with --cron, as a schedule sends no request`);
  return dueNow(body, isoStamp(systemClock.now()));
}

async function open({config, spec, environment}: Wanted, signal: AbortSignal, line: (line: FunctionLine) => void) {
  try {
    return await openAlone({config, spec, environment, clock: systemClock, signal, isReplay: false, line});
  } catch (error) {
    if (!(error instanceof NotStarted)) throw error;
    if (signal.aborted) throw new CommandFailed(exit.failed, 'interrupted while the function started');
    throw new CommandFailed(exit.unavailable, `${spec.handlerPath} does not start: ${error.message}`, {cause: error});
  }
}
