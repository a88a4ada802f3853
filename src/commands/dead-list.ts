import {count, json, text} from '../command/arguments.ts';
import {command} from '../command/command.ts';
import {printTable} from '../command/table.ts';
import {complain, printJson} from '../command/terminal.ts';
import {exit} from '../exit.ts';
import {deadFilter} from './dead-filter.ts';
import {deadCells, deadColumns, type ItemAnswer, queryOf, workAsker} from './work-answers.ts';

/** `core-runtime dead list`: work that has failed for good. */
export const deadList = command({
  summary: 'Lists the dead letters of the core that runs here: work that has failed for good.',
  options: {
    ...deadFilter,
    id: text('<prefix>', 'Only those whose ids begin so.'),
    limit: count('<n>', 'How many to list at most, up to 500.', 100),
    json,
  },
  examples: {
    'dead list': 'List the oldest.',
    'dead list --since 1h --class timeout': 'List those of the last hour whose last attempt ran out of time.',
  },
  async run({since, class: failure, status, id, limit, json: isJson}, env) {
    const ask = await workAsker(env);
    const query = queryOf({since: since?.text, class: failure, status, id, limit: Math.min(limit, 500)});
    const {items, next} = (await ask('GET', `/api/dead${query}`)) as unknown as {items: ItemAnswer[]; next?: string}; // as routes/dead.ts writes it
    if (isJson) for (const item of items) printJson(item);
    else printTable(deadColumns, items.map(deadCells));
    if (items.length === 0) complain('no such dead letter');
    if (next !== undefined) complain('there are more: --limit, --since, --class and --status choose');
    return exit.done;
  },
});
