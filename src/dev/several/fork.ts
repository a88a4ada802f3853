import {type ChildProcess, fork} from 'node:child_process';
import type {Environment} from '../../settings/setting.ts';

/**
Starts a process for one function. It shares the terminal's group, so that Ctrl-Z stops it, too; when this process is gone, it
stops by itself.

@param writesLog its log comes on its stdout
*/
export function forkFunction(env: Environment, writesLog: boolean): ChildProcess {
  return fork(new URL('../../beside.ts', import.meta.url), {
    env,
    execArgv: [...process.execArgv, '--disable-sigusr1'],
    serialization: 'advanced', // what is observed may carry bytes
    stdio: ['ignore', writesLog ? 'pipe' : 'ignore', 'pipe', 'ipc'],
  });
}
