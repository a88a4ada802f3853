import {commandLine} from '../called-as.ts';
import {ConfigurationError, PortTaken} from '../errors.ts';
import {type ExitCode, exit} from '../exit.ts';
import {JournalDamaged} from '../journal.ts';
import {complain} from './terminal.ts';

/** A command cannot go on; its message is one sentence for a person. */
export class CommandFailed extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

export interface Failure {
  readonly problems: readonly string[];
  readonly exitCode: ExitCode;
}

/**
What a person can do something about, in sentences, and the exit code.

@throws any other error: it is a bug and keeps its stack
*/
function failureOf(error: unknown): Failure {
  if (error instanceof PortTaken) return {problems: error.problems, exitCode: exit.portTaken};
  if (error instanceof ConfigurationError) return {problems: error.problems, exitCode: exit.misconfigured};
  if (error instanceof CommandFailed) return {problems: [error.message], exitCode: error.exitCode};
  if (error instanceof JournalDamaged) return {problems: [damageOf(error)], exitCode: exit.failed};
  if (!isOfSystem(error)) throw error;
  return {problems: [error.message], exitCode: exit.failed};
}

/** Reports on stderr what a person can do something about. @returns the exit code @throws any other error */
export function reportFailure(error: unknown): ExitCode {
  const {problems, exitCode} = failureOf(error);
  for (const problem of problems) complain(problem);
  return exitCode;
}

export const damageOf = ({message}: JournalDamaged) => `${message}; \`${commandLine('journal verify')}\` lists all that is wrong`;

/** The command line is wrong, as Node's parser or a command found. */
export function isMisuse(error: unknown): error is Error {
  if (error instanceof CommandFailed) return error.exitCode === exit.misused;
  return error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}

/** A file does not exist, may not be read, or cannot be read by SQLite. */
function isOfSystem(error: unknown): error is Error {
  return error instanceof Error && ('syscall' in error || ('code' in error && error.code === 'ERR_SQLITE_ERROR'));
}
