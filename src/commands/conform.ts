import path from 'node:path';
import {triggers} from '../../triggers/index.ts';
import {systemClock} from '../clock.ts';
import {json, program, text} from '../command/arguments.ts';
import {command} from '../command/command.ts';
import {CommandFailed} from '../command/failure.ts';
import {openProgress} from '../command/progress.ts';
import {type Cell, openTable} from '../command/table.ts';
import {print, printJson} from '../command/terminal.ts';
import {conform as judgeSubRuntime, titles, type Verdict} from '../conform/conform.ts';
import {exit} from '../exit.ts';
import {joinSettings} from '../settings/config.ts';
import {childEnvironment} from '../settings/environment.ts';

/**
`core-runtime conform -- <command>`: runs the cases of the sub-runtime protocol against a program, with a verdict for each.
Exit code 1 when a required case failed, 69 when the program did not start.
*/
export const conform = command({
  summary: 'Checks a sub-runtime of any language against the protocol.',
  arguments: {command: program('the command that starts the sub-runtime', 'Program and arguments that start the sub-runtime.')},
  options: {
    handler: text('<file>', 'Conformance function of the language. By default it is compiled into the program.'),
    name: text('<export>', 'Export of the handler file. By default handle.'),
    json,
  },
  examples: {
    'conform --handler runtimes/node/conform.cjs -- node bridge.mjs': 'Check a bridge that loads a handler.',
    'conform -- ./conform': 'Check a compiled program.',
  },
  checksSettings: false,
  async run({command, json: isJson, handler, name}, env) {
    const handlerFile = handler ?? env.SCW_HANDLER_PATH;
    const options = {
      command,
      environment: childEnvironment(joinSettings(triggers), env),
      handlerPath: handlerFile === undefined ? undefined : path.resolve(handlerFile),
      handlerName: name ?? env.SCW_HANDLER_NAME ?? 'handle',
    };
    const stopping = new AbortController();
    for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => stopping.abort(new Error(`stopped by ${name}`)));
    const verdicts: Verdict[] = [];
    const table = openTable(columns);
    using progress = openProgress({title: 'conform', unit: 'cases', total: titles.length});
    try {
      for await (const verdict of judgeSubRuntime({...options, signal: stopping.signal, clock: systemClock})) {
        progress.at(verdicts.length + 1);
        progress.hide(process.stdout);
        const isFirst = verdict.over === 'channel' && verdicts.at(-1)?.over === 'http';
        if (isFirst && !isJson) print('', 'on the channel');
        isJson ? printJson(verdict) : table.row(...cellsOf(verdict));
        verdicts.push(verdict);
      }
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw new CommandFailed(stopping.signal.aborted ? exit.failed : exit.unavailable, error.message, {cause: error});
    }
    if (!isJson) print('', summary(verdicts));
    return verdicts.some(({demand, verdict}) => demand === 'required' && verdict === 'failed') ? exit.failed : exit.done;
  },
});

const columns = [
  {head: 'CASE', width: Math.max(...titles.map(({length}) => length))},
  {head: 'DEMAND', width: 11},
  {head: 'VERDICT'},
  {head: 'DETAIL'},
];

/** Shows only the first line of the detail; --json has all of it. */
function cellsOf({case: title, demand, verdict, detail}: Verdict): Cell[] {
  return [
    title,
    demand,
    {text: verdict, style: verdict === 'ok' ? 'green' : verdict === 'failed' ? 'red' : 'yellow'},
    detail.split('\n')[0],
  ];
}

function summary(verdicts: readonly Verdict[]): string {
  const count = (demand: Verdict['demand']) => {
    const all = verdicts.filter(each => each.demand === demand);
    return `${all.filter(({verdict}) => verdict === 'ok').length} of ${all.length} ${demand}`;
  };
  return `${count('required')} and ${count('recommended')} cases passed`;
}
