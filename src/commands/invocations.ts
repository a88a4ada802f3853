import {isoStamp, systemClock} from '../clock.ts';
import {ago, choice, count, json} from '../command/arguments.ts';
import {columns} from '../command/columns.ts';
import {command} from '../command/command.ts';
import {complain, print, printJson} from '../command/terminal.ts';
import {exit} from '../exit.ts';
import {type InvocationView, invocationStatuses, listInvocations, usualSince} from '../projections/invocations.ts';
import {locateJournal, openArchive, whichJournal} from './journal-at.ts';

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
    using archive = await openArchive(locateJournal(given, env));
    const now = systemClock.now();
    const list = await listInvocations(archive, {status, since: now - since.ms, now, limit});
    for (const view of list) given.json ? printJson(view) : print(rowOf(view));
    if (list.length === 0) complain(`no such invocation within ${since.text}`);
    return exit.done;
  },
});

const row = columns(24, 0, 13, 3, -11);

function rowOf({id, status, acceptedAt, durationMs, replyStatus, code, source}: InvocationView): string {
  const when = acceptedAt === undefined ? '–' : isoStamp(acceptedAt);
  const took = durationMs === undefined ? '' : `${durationMs.toFixed(1)} ms`;
  return row(when, id, status, replyStatus, took, source, code);
}
