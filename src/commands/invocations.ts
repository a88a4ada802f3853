import {isoStamp, systemClock} from '../clock.ts';
import {ago, choice, count, json} from '../command/arguments.ts';
import {command} from '../command/command.ts';
import {type Cell, printTable} from '../command/table.ts';
import {complain, printJson} from '../command/terminal.ts';
import {exit} from '../exit.ts';
import {listInvocations} from '../projections/invocation-list.ts';
import {type InvocationView, invocationStatuses, usualSince} from '../projections/invocations.ts';
import {openArchive, whichJournal} from './journal-at.ts';
import {findJournal} from './journal-choice.ts';

/** `core-runtime invocations`: what the function was called for, the newest call first. */
export const invocations = command({
  summary: 'Lists the recorded invocations.',
  options: {
    status: choice('<status>', invocationStatuses, 'Only those with this status.'),
    since: ago('Only those that were accepted within this time.', usualSince),
    limit: count('<n>', 'How many to list at most.', 100),
    ...whichJournal,
    json,
  },
  examples: {
    invocations: 'List those of the last hour.',
    'invocations --status failed --since 24h': 'List what failed today.',
  },
  async run({status, since, limit, ...given}, env) {
    using archive = await openArchive(await findJournal(given, env));
    const now = systemClock.now();
    const list = await listInvocations(archive, {status, since: now - since.ms, now, limit});
    if (given.json) for (const view of list) printJson(view);
    else printTable(columns, list.map(cellsOf));
    if (list.length === 0) complain(`no such invocation within ${since.text}`);
    return exit.done;
  },
});

const columns = [
  {head: 'TIME', width: 24},
  {head: 'ID', width: 36},
  {head: 'OUTCOME', width: 9},
  {head: 'STATUS', isNumber: true},
  {head: 'TOOK', isNumber: true, width: 10},
  {head: 'FROM'},
  {head: 'CODE'},
];

function cellsOf({id, status, pending, acceptedAt, durationMs, replyStatus, code, source}: InvocationView): Cell[] {
  const when = acceptedAt === undefined ? '–' : isoStamp(acceptedAt);
  const took = durationMs === undefined ? '' : `${durationMs.toFixed(1)} ms`;
  const style = code === undefined ? (status === 'running' ? 'yellow' : undefined) : 'red';
  return [
    {text: when, style: 'dim'},
    id,
    {text: pending ?? status, style},
    {text: String(replyStatus ?? ''), style},
    took,
    source,
    {text: code ?? '', style},
  ];
}
