import {reportFailure} from '../command/failure.ts';
import {PortTaken} from '../errors.ts';
import {type ExitCode, exit} from '../exit.ts';
import type {Environment} from '../settings/setting.ts';

/** Reports on stderr why a core did not start; a bug with its stack. @returns the exit code */
export function reportRefusal(error: unknown, env: Environment): ExitCode {
  try {
    return reportFailure(isAddressInUse(error) ? taken(error.port, env) : error);
  } catch (bug) {
    console.error(bug);
    return exit.failed;
  }
}

function taken(port: number, env: Environment): PortTaken {
  const name = String(port) === (env.PORT || '8080') ? 'PORT' : 'CORE_ADMIN_PORT';
  return new PortTaken(name, port);
}

function isAddressInUse(error: unknown): error is NodeJS.ErrnoException & {port: number} {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}
