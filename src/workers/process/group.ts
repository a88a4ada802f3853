import {readdirSync, readFileSync} from 'node:fs';

/**
The processes of a process group, by what /proc says now.

@throws where there is no /proc
@see proc_pid_stat(5): the group is the third field behind the name in parentheses
*/
export function groupMembers(group: number): string[] {
  return readdirSync('/proc').filter(name => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      return stat.slice(stat.lastIndexOf(')') + 2).split(' ', 3)[2] === String(group);
    } catch {
      return false; // it ended while we looked
    }
  });
}
