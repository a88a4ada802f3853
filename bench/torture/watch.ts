import {systemClock} from '../../src/clock.ts';
import {type Process, processTree, startOf} from '../processes.ts';

/** The processes of a gateway at one moment. */
export interface Sample {
  /** Its own: the one that was started, and core processes beside it. */
  readonly cores: readonly Process[];
  readonly functions: readonly Process[];
}

const mebibyte = 2 ** 20;
const reapedWithinMs = 5000;

/** Looks at a gateway's processes again and again, and keeps the worst that it saw. */
export class Watch {
  coreMiB = 0;
  groupMiB = 0;
  /** Those which lived for two samples: one that is being ended does not count beside its successor. */
  functions = 0;
  /** Those which stayed so for five seconds: a busy parent reaps late. */
  zombies = 0;
  /** Everything that ever was below it, by pid, with when it started: pids are given again. */
  readonly #seen = new Map<number, string>();
  #before = new Set<number>();
  /** By pid, since when. */
  #zombies = new Map<number, number>();

  /** To be called at regular times: what counts only when it lived for two samples was seen so long. */
  sample(root: number): Sample {
    const {cores, functions, zombies, tree} = look(root);
    for (const {pid, startedAt} of tree) this.#seen.set(pid, startedAt);
    const twice = (list: readonly Process[]) => list.filter(({pid}) => this.#before.has(pid)).length;
    this.functions = Math.max(this.functions, twice(functions));
    this.#before = new Set(functions.map(({pid}) => pid));
    const nowMs = systemClock.monotonic();
    this.#zombies = new Map(zombies.map(({pid}) => [pid, this.#zombies.get(pid) ?? nowMs]));
    this.zombies = Math.max(this.zombies, [...this.#zombies.values()].filter(sinceMs => nowMs - sinceMs >= reapedWithinMs).length);
    this.coreMiB = Math.max(this.coreMiB, ...cores.map(({peakBytes}) => peakBytes / mebibyte));
    this.groupMiB = Math.max(this.groupMiB, tree.reduce((sum, {bytes}) => sum + bytes, 0) / mebibyte);
    return {cores, functions};
  }

  /** Those of all that it saw which live now. */
  get left(): number[] {
    return [...this.#seen].flatMap(([pid, startedAt]) => (startOf(pid) === startedAt ? [pid] : []));
  }

  endLeft(): void {
    for (const pid of this.left) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
  }
}

/** What there is below a process now, itself included. */
export function look(root: number) {
  const tree = processTree(root);
  const living = tree.filter(({isZombie}) => !isZombie);
  const cores = living.filter(({pid, args}) => pid === root || isSibling(args));
  const parents = new Set(cores.map(({pid}) => pid));
  const functions = living.filter(each => parents.has(each.parent) && !parents.has(each.pid) && !isShell(each) && !isForked(each, tree));
  const zombies = tree.filter(({isZombie, parent}) => isZombie && parents.has(parent));
  return {tree, cores, functions, zombies};
}

const isSibling = (args: readonly string[]) => args.some(each => /\/sibling\.[jt]s$/.test(each));
const isShell = ({args}: Process) => /^(\/bin\/)?sh$/.test(args[0] ?? '');
/** Between fork and exec a process bears its parent's command line. */
const isForked = ({args, parent}: Process, tree: readonly Process[]) =>
  tree.some(other => other.pid === parent && other.args.join('\0') === args.join('\0'));
