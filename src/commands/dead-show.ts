import {json, one} from '../command/arguments.ts';
import {command} from '../command/command.ts';
import {printTable} from '../command/table.ts';
import {print, printJson} from '../command/terminal.ts';
import {exit} from '../exit.ts';
import {deadCells, deadColumns, type ItemAnswer, workAsker} from './work-answers.ts';

type Shown = ItemAnswer & {readonly facts: readonly {readonly at: string; readonly type: string; readonly data: object}[]};

/** `core-runtime dead show <id>`: why an item has failed for good. */
export const deadShow = command({
  summary: 'Shows a dead letter of the core that runs here, and what happened to it.',
  arguments: {id: one('the id of one dead letter', 'Its id.')},
  options: {json},
  examples: {
    'dead show 0198a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b': 'Show why it failed, and each attempt.',
    'dead show 0198a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b --json': 'Print the same for a program.',
  },
  async run({id, json: isJson}, env) {
    const ask = await workAsker(env);
    const item = (await ask('GET', `/api/dead/${encodeURIComponent(id)}`)) as unknown as Shown; // as routes/dead.ts writes it
    if (isJson) {
      printJson(item);
      return exit.done;
    }
    printTable(deadColumns, [deadCells(item)]);
    print('');
    printTable(
      [{head: 'TIME', width: 24}, {head: 'FACT'}, {head: 'DATA'}],
      item.facts.map(({at, type, data}) => [{text: at, style: 'dim' as const}, type, JSON.stringify(data)]),
    );
    return exit.done;
  },
});
