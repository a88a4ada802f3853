import path from 'node:path';
import {parseArgs} from 'node:util';
import {triggers} from '../../triggers/index.ts';
import {systemClock} from '../clock.ts';
import {conform as judgeSubRuntime, titles, type Verdict} from '../conform/conform.ts';
import {joinSettings} from '../settings/config.ts';
import {childEnvironment} from '../settings/environment.ts';
import type {Environment} from '../settings/setting.ts';
import {exit} from './exit.ts';
import {complain, print, printJson} from './terminal.ts';

const usage = 'core-runtime conform [--handler <file>] [--name <export>] [--json] -- <command>';

/**
Runs the cases of the sub-runtime protocol against a command and prints a verdict each.
The handler is the language's conformance function; without one it is taken to be compiled into the command.
Exit code 1 when a required case failed, 69 when the command did not start.
*/
export async function conform(args: string[], env: Environment): Promise<void> {
  const asked = parse(args, env);
  if (typeof asked === 'string') {
    console.error(`core-runtime: ${asked}\n\n  ${usage}`);
    process.exitCode = exit.misused;
    return;
  }
  const {isJson, ...options} = asked;
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => stopping.abort(new Error(`stopped by ${name}`)));
  const verdicts: Verdict[] = [];
  try {
    for await (const verdict of judgeSubRuntime({...options, signal: stopping.signal, clock: systemClock})) {
      isJson ? printJson(verdict) : print(row(verdict));
      verdicts.push(verdict);
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    complain(error.message);
    process.exitCode = stopping.signal.aborted ? exit.failed : exit.unavailable;
    return;
  }
  if (!isJson) console.log(`\n${summary(verdicts)}`);
  if (verdicts.some(({demand, verdict}) => demand === 'required' && verdict === 'failed')) process.exitCode = exit.failed;
}

/** What was asked for, or what is wrong with it. */
function parse(args: string[], env: Environment) {
  const options = {handler: {type: 'string'}, name: {type: 'string'}, json: {type: 'boolean'}} as const;
  let parsed: ReturnType<typeof parseArgs<{args: string[]; options: typeof options; allowPositionals: true}>>;
  try {
    parsed = parseArgs({args, options, allowPositionals: true});
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const {positionals, values} = parsed;
  const [file, ...rest] = positionals;
  if (file === undefined) return 'expected the command that starts the sub-runtime, got none';
  const handler = values.handler ?? env.SCW_HANDLER_PATH;
  return {
    isJson: values.json === true,
    command: [file, ...rest] as const,
    environment: childEnvironment(joinSettings(triggers), env),
    handlerPath: handler === undefined ? undefined : path.resolve(handler),
    handlerName: values.name ?? env.SCW_HANDLER_NAME ?? 'handle',
  };
}

const titleWidth = Math.max(...titles.map(({length}) => length));

/** The first line of the detail; --json has it all. */
function row({case: title, demand, verdict, detail}: Verdict): string {
  const [first] = detail.split('\n');
  return `${title.padEnd(titleWidth)}  ${demand.padEnd(11)}  ${verdict.padEnd(6)}  ${first}`.trimEnd();
}

function summary(verdicts: readonly Verdict[]): string {
  const count = (demand: Verdict['demand']) => {
    const all = verdicts.filter(each => each.demand === demand);
    return `${all.filter(({verdict}) => verdict === 'ok').length} of ${all.length} ${demand}`;
  };
  return `${count('required')} and ${count('recommended')} cases passed`;
}
