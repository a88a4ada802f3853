import type {Command} from './command.ts';

/** Most of one group: the next one waits for its commit. One command may be larger. */
const groupBytes = 2 ** 20;
const groupFacts = 2000;

/** Somebody who waits until everything before is kept or refused. */
export interface Barrier {
  pass(): void;
  reject(error: Error): void;
}

/**
Chooses the next group: what waits, in its order, as far as one group goes. A group ends before a command that expects a
revision which the group itself may change, as what becomes of the group is decided at once.

@returns `count`: how many of the waiting were chosen
*/
export function gather(waiting: readonly (Command | Barrier)[]): {commands: Command[]; barriers: Barrier[]; size: number; count: number} {
  const commands: Command[] = [];
  const barriers: Barrier[] = [];
  const touched = new Set<string>();
  let [size, facts, count] = [0, 0, 0];
  for (const next of waiting) {
    if ('pass' in next) barriers.push(next);
    else {
      const isFull = size + next.size > groupBytes || facts + next.facts.length > groupFacts;
      if (commands.length > 0 && (isFull || next.parts.some(({name, expect}) => expect !== undefined && touched.has(name)))) break;
      for (const {name} of next.parts) touched.add(name);
      commands.push(next);
      size += next.size;
      facts += next.facts.length;
    }
    count++;
  }
  return {commands, barriers, size, count};
}
