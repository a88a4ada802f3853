import {parseArgs} from 'node:util';
import {isoStamp, systemClock} from '../clock.ts';
import {type InvocationView, invocationStatuses, listInvocations, usualSince} from '../projections/invocations.ts';
import {type Environment, parseDuration} from '../settings/setting.ts';
import {exit} from './exit.ts';
import {CommandFailed, locateJournal, openArchive, orFail, whichJournal} from './journal-at.ts';
import {complain, print, printJson} from './terminal.ts';

/** Lists invocations, newest first. */
export async function invocations(args: string[], env: Environment): Promise<void> {
  const {values} = parseArgs({
    args,
    options: {...whichJournal, status: {type: 'string'}, since: {type: 'string'}, limit: {type: 'string'}, json: {type: 'boolean'}},
  });
  await orFail(async () => {
    const {status, since: ago = usualSince, limit = '100'} = values;
    if (status !== undefined && !invocationStatuses.includes(status)) {
      throw new CommandFailed(exit.misused, `--status: expected one of ${invocationStatuses.join(', ')}, got \`${status}\``);
    }
    const agoMs = parseDuration(ago);
    if (agoMs === undefined) throw new CommandFailed(exit.misused, `--since: expected a duration such as 15m or 24h, got \`${ago}\``);
    if (!/^[1-9]\d{0,6}$/.test(limit)) throw new CommandFailed(exit.misused, `--limit: expected a number from 1 on, got \`${limit}\``);
    using archive = await openArchive(locateJournal(values, env));
    const now = systemClock.now();
    const list = await listInvocations(archive, {status, since: now - agoMs, now, limit: Number(limit)});
    for (const view of list) values.json ? printJson(view) : print(row(view));
    if (list.length === 0) complain(`no such invocation within ${ago}`);
  });
}

function row({id, status, acceptedAt, durationMs, replyStatus, code, source}: InvocationView): string {
  const when = acceptedAt === undefined ? '–'.padEnd(24) : isoStamp(acceptedAt);
  const took = durationMs === undefined ? '' : `${durationMs.toFixed(1)} ms`;
  return `${when}  ${id}  ${status.padEnd(13)}  ${String(replyStatus ?? '').padEnd(3)}  ${took.padStart(11)}  ${source ?? ''}  ${code ?? ''}`.trimEnd();
}
