import {triggers} from '../../triggers/index.ts';
import {commandLine} from '../called-as.ts';
import {isMisuse, reportFailure} from '../command/failure.ts';
import {complain} from '../command/terminal.ts';
import {exit} from '../exit.ts';
import {joinSettings} from '../settings/config.ts';
import {checkNames} from '../settings/environment.ts';
import {type Environment, parseSettings} from '../settings/setting.ts';
import {synopsisOf} from './help.ts';
import type {FoundCommand} from './index.ts';
import {parseCommandLine} from './parse.ts';

/** Runs a command and sets the exit code. Failures are reported on stderr, so that stdout has nothing but the answer. */
export async function runCommand({name, command: it, args}: FoundCommand, env: Environment): Promise<void> {
  let given: Record<string, unknown>;
  try {
    given = parseCommandLine(it, args);
  } catch (error) {
    if (!isMisuse(error)) throw error;
    complain(`${error.message}\n\n  ${commandLine(synopsisOf(name, it))}`);
    process.exitCode = exit.misused;
    return;
  }
  if (it.serves) {
    await it.run(given, env);
    return;
  }
  process.stdout.on('error', endWhenUnread);
  try {
    if (it.checksSettings !== false) checkSettings(env);
    process.exitCode = await it.run(given, env);
  } catch (error) {
    process.exitCode = reportFailure(error);
  }
}

/** @throws ConfigurationError that lists every bad setting, whether the command needs it or not */
function checkSettings(env: Environment): void {
  const table = joinSettings(triggers);
  parseSettings(table, env);
  checkNames(table, env);
}

/** Ends well when the reader has read enough, as `head` does. Any other error of stdout is a failure. */
function endWhenUnread(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
}
