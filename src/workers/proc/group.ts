import {readdirSync} from 'node:fs';
import {statOf} from './stat.ts';

/**
The processes of a process group, as /proc lists them now.

@throws where there is no /proc
*/
export function groupMembers(group: number): string[] {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name) && statOf(name)?.group === group);
}
