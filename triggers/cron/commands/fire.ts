import {json, one, text} from '../../../src/command/arguments.ts';
import {command} from '../../../src/command/command.ts';
import {askCore, messageOf} from '../../../src/command/core-here.ts';
import {CommandFailed} from '../../../src/command/failure.ts';
import {print, printJson} from '../../../src/command/terminal.ts';
import {exit} from '../../../src/exit.ts';

/** `core-runtime fire <schedule>`: runs a schedule by hand. Exit code 1 unless the function ran and did not fail. */
export const fire = command({
  summary: 'Runs a schedule now, through the core that runs here, and prints the outcome.',
  arguments: {schedule: one('the name of one schedule', 'Name of the schedule.')},
  options: {at: text('<time>', 'Run the occurrence of this time, which was missed. By default the time is now.'), json},
  examples: {
    'fire nightly': 'Run the schedule `nightly` now.',
    'fire nightly --at 2026-03-29T02:30:00Z': 'Run an occurrence that was missed.',
  },
  async run({schedule, at, json: isJson}, env) {
    const query = at === undefined ? '' : `?at=${encodeURIComponent(at)}`;
    const {status, body} = await askCore(env, 'POST', `/api/schedules/${encodeURIComponent(schedule)}/fire${query}`);
    if (!body) throw new CommandFailed(exit.unavailable, `what answers there does not know schedules (status ${status})`);
    if (status !== 200 && status !== 202) {
      throw new CommandFailed(exit.failed, messageOf(body) ?? `the core refused with status ${status}`);
    }
    isJson ? printJson(body) : print(sentence(body));
    return body.error === undefined ? exit.done : exit.failed;
  },
});

function sentence({schedule, occurrence, invocationId, status, error, waits}: Record<string, unknown>): string {
  if (waits === true)
    return `${schedule} did not run yet for ${occurrence}: ${status} ${error}. It is delivered again as invocation ${invocationId}`;
  return `${schedule} ran for ${occurrence} as invocation ${invocationId}: ${error === undefined ? 'executed properly' : `${status} ${error}`}`;
}
