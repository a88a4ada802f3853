import {systemClock} from '../../clock.ts';
import type {Environment} from '../../settings/setting.ts';
import {openTerminal, type Terminal} from './open.ts';

/** The terminal of this process, or where its output goes instead. At the end of the process it is left as it was. */
export function terminalHere(env: Environment): Terminal {
  const {stdout, stdin} = process;
  const terminal = openTerminal({stdout, stdin, env, clock: systemClock});
  stdout.on('error', () => {}); // its reader has left: the function goes on
  process.on('exit', () => terminal.close());
  return terminal;
}
