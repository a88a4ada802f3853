import {parseArgs} from 'node:util';
import {ConfigurationError} from '../errors.ts';
import type {Environment} from '../settings/setting.ts';
import {askCore, messageOf, NoCore} from './core-here.ts';
import {exit} from './exit.ts';
import {complain, print, printJson} from './terminal.ts';

/** Fires a schedule by hand through the core that runs here, and tells what came of it. Exit code 1 unless it went well. */
export async function fire(args: string[], env: Environment): Promise<void> {
  const {positionals, values} = parseArgs({args, allowPositionals: true, options: {at: {type: 'string'}, json: {type: 'boolean'}}});
  const [name] = positionals;
  if (name === undefined || positionals.length > 1) {
    return fail('expected the name of one schedule, as in `core-runtime fire nightly`', exit.misused);
  }
  const query = values.at === undefined ? '' : `?at=${encodeURIComponent(values.at)}`;
  try {
    const {status, body} = await askCore(env, 'POST', `/api/schedules/${encodeURIComponent(name)}/fire${query}`);
    if (!body) return fail(`what answers there does not know schedules (status ${status})`, exit.unavailable);
    if (status !== 200 && status !== 202) return fail(messageOf(body) ?? `it was refused with status ${status}`, exit.failed);
    values.json ? printJson(body) : print(sentence(body));
    if (body.error !== undefined) process.exitCode = exit.failed;
  } catch (error) {
    if (error instanceof NoCore) fail(error.message, exit.unavailable);
    else if (error instanceof ConfigurationError) fail(error.message, exit.misconfigured);
    else throw error;
  }
}

function sentence({schedule, occurrence, invocationId, status, error, waits}: Record<string, unknown>): string {
  if (waits === true)
    return `${schedule} did not run yet for ${occurrence}: ${status} ${error}. It is delivered again as invocation ${invocationId}`;
  return `${schedule} ran for ${occurrence} as invocation ${invocationId}: ${error === undefined ? 'executed properly' : `${status} ${error}`}`;
}

function fail(message: string, code: number): void {
  complain(message);
  process.exitCode = code;
}
