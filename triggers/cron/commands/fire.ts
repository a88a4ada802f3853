import {json, one, text} from '../../../src/command/arguments.ts';
import {command} from '../../../src/command/command.ts';
import {askCore, messageOf} from '../../../src/command/core-here.ts';
import {otherCores} from '../../../src/command/cores-here.ts';
import {CommandFailed} from '../../../src/command/failure.ts';
import {print, printJson} from '../../../src/command/terminal.ts';
import {exit} from '../../../src/exit.ts';
import type {Environment} from '../../../src/settings/setting.ts';
import {coreWithSchedule} from './which-core.ts';

/** How long the core that runs here may take to say in which state it is. */
const waitMs = 2000;

/** `core-runtime fire <schedule>`: runs a schedule by hand. Exit code 1 unless the function ran and did not fail. */
export const fire = command({
  summary: 'Runs a schedule now, through the core that runs here, and prints the outcome.',
  arguments: {schedule: one('the name of one schedule', 'Name of the schedule.')},
  options: {at: text('<time>', 'Run the occurrence of this time, which was missed. By default the time is now.'), json},
  examples: {
    'fire nightly': 'Run the schedule `nightly` now.',
    'fire nightly --at 2026-03-29T02:30:00Z': 'Run an occurrence that was missed.',
  },
  async run({schedule, at, json: isJson}, given) {
    const {env, name, others} = await coreWithSchedule(schedule, given);
    const query = at === undefined ? '' : `?at=${encodeURIComponent(at)}`;
    const {status, body} = await askCore(env, 'POST', `/api/schedules/${encodeURIComponent(schedule)}/fire${query}`);
    if (!body) throw new CommandFailed(exit.unavailable, `what answers there does not know schedules (status ${status})`);
    if (status !== 200 && status !== 202) {
      const refused = messageOf(body) ?? `the core refused with status ${status}`;
      throw new CommandFailed(exit.failed, status === 404 && others.length > 0 ? `${refused}; ${otherCores(others)}` : refused);
    }
    const cause = body.code === 'HANDLER_MISSING' ? await causeOf(env) : undefined;
    const outcome = {...body, ...(name !== undefined && {function: name}), ...(cause !== undefined && {cause})};
    isJson ? printJson(outcome) : print(sentence(outcome));
    return body.error === undefined ? exit.done : exit.failed;
  },
});

/** Why the function could not be loaded; the error that its callers get does not say it. */
async function causeOf(env: Environment): Promise<string | undefined> {
  const {body} = await askCore(env, 'GET', '/readyz', {waitMs}).catch(() => ({body: undefined}));
  return typeof body?.cause === 'string' ? body.cause : undefined;
}

function sentence({schedule, occurrence, invocationId, status, error, waits, handedOn, cause, ...ran}: Record<string, unknown>): string {
  const what = `${schedule}${ran.function === undefined ? '' : ` of ${ran.function}`}`;
  if (waits === true)
    return `${what} did not run yet for ${occurrence}: ${status} ${error}. It is delivered again as invocation ${invocationId}`;
  if (handedOn === true) return `${what} was handed on to work for ${occurrence} as invocation ${invocationId}`;
  const how = error === undefined ? 'executed properly' : `${status} ${error}${cause === undefined ? '' : `: ${cause}`}`;
  return `${what} ran for ${occurrence} as invocation ${invocationId}: ${how}`;
}
