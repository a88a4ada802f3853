import {spawnSync} from 'node:child_process';

/** Whether PATH has a command. */
export const isThere = (command: string) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
