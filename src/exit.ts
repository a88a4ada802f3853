/** Exit codes of the core and of every command. @see sysexits.h for those from 64 on */
export const exit = {
  done: 0,
  failed: 1,
  misused: 64,
  noJournal: 66,
  unavailable: 69,
  functionFailed: 70,
  portTaken: 71,
  misconfigured: 78,
} as const;

export type ExitCode = (typeof exit)[keyof typeof exit];

/** What each exit code means, for the help and docs/operations.md. */
export const exitMeanings: Readonly<Record<keyof typeof exit, string>> = {
  done: 'a clean stop, or done',
  failed:
    'a bug; a second signal that ended the stop; or the command was refused, found a difference (`replay`) or damage (`journal verify`), the core is not ready (`ready`), or the function answered with a status of 400 or more (`invoke`)',
  misused: 'the command line is wrong: an option, an argument or a file that it names',
  noJournal: 'the journal does not exist or cannot be read, or there is nothing to compare (`replay`)',
  unavailable:
    'no core answers (`fire`, `top`, `work`, `dead`), the code does not start (`invoke`, `replay`, `conform`), or Node is too old and no newer one came with the package',
  functionFailed: 'the function failed: it threw, ended, answered too late, or returned what HTTP cannot carry (`invoke`)',
  portTaken: 'something else listens on a port that a setting names',
  misconfigured: 'a setting is wrong; the message has its name, the value and the rule',
};
