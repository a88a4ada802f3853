import {type ChildProcess, fork} from 'node:child_process';

/**
Starts a core process beside this one.

@returns undefined when the system refuses at once. Other refusals come later, as an `error` of the process
*/
export function forkSibling(env: Readonly<Record<string, string | undefined>>): ChildProcess | undefined {
  try {
    return fork(new URL('../../sibling.ts', import.meta.url), {
      env,
      execArgv: [...process.execArgv, '--disable-sigusr1'], // functions run while it starts, and may send it
      detached: true, // a group of its own, which the orphan killer ends
      serialization: 'advanced', // facts may carry bytes
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
  } catch {
    return undefined;
  }
}
