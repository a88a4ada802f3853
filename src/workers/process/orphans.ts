import {type ChildProcess, spawn} from 'node:child_process';
import type {Clock} from '../../clock.ts';
import type {Log} from '../../log.ts';

/*
When the core is ended by SIGKILL, its functions must not go on without it. So a shell waits beside the core, in a session
of its own, and does nothing but read: the core writes it the list of its live process groups, each time the list changes.
When the shell's input ends, the core is gone, for whatever reason, and the shell kills the groups of the newest list.
This works for functions in every language, and functions know nothing of it.

A process that the core was just starting is on no list yet. The shell finds it by the mark in its environment. The kernel
may fill the environment a moment after the start, so the shell looks several times. A core that stops in order writes
`over` first: it leaves nothing behind, so there is nothing to look for.
*/
const script = `
trap '' TERM INT HUP QUIT
read -r mark || exit
groups=''
while read -r line; do
  case $line in
    over) isOver=1; break ;;
    *) groups=$line ;;
  esac
done
for group in $groups; do kill -KILL -"$group" 2>/dev/null; done
test "$isOver" && exit
for look in 1 2 3 4 5; do
  for file in $(grep -lsF "$mark" /proc/[0-9]*/environ); do
    pid=\${file#/proc/}
    pid=\${pid%/environ}
    kill -KILL -"$pid" 2>/dev/null || kill -KILL "$pid" 2>/dev/null
  done
  sleep 0.2
done
`;

/** Pause before the next shell is started when somebody ended this one. */
const againMs = 1000;
/** Pause before the next try when the system refused to start a shell: it had no descriptor left, or it has no shell. */
const refusedAgainMs = 10_000;

export interface OrphanKillerOptions {
  /** A text of one line that stands in the environment of our functions, and of no other process on this system. */
  readonly mark: string;
  readonly clock: Clock;
  readonly log: Log;
  /** By default /bin/sh. */
  readonly shell?: string;
}

/** Kills the process groups that this process leaves behind when it is killed itself. */
export class OrphanKiller implements Disposable {
  readonly #options: OrphanKillerOptions;
  readonly #groups = new Set<number>();
  #shell: ChildProcess | undefined;
  #isRefused = false;
  #isOver = false;

  constructor(options: OrphanKillerOptions) {
    this.#options = options;
    this.#shell = this.#start();
  }

  watch(group: number): void {
    this.#groups.add(group);
    this.#writeGroups();
  }

  forget(group: number): void {
    this.#groups.delete(group);
    this.#writeGroups();
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#shell?.stdin?.end('over\n');
  }

  /** The system may refuse to start the shell: at once, by an error thrown here, or later, by an event. */
  #start(): ChildProcess | undefined {
    const {mark, shell: file = '/bin/sh'} = this.#options;
    try {
      const shell = spawn(file, ['-c', script], {detached: true, stdio: ['pipe', 'ignore', 'ignore'], env: {}});
      shell.unref();
      (shell.stdin as {unref?: () => void} | null)?.unref?.(); // Node makes the pipe a socket
      shell.stdin?.on('error', () => {});
      shell.once('error', error => this.#refused(error));
      shell.once('spawn', () => {
        this.#isRefused = false;
      });
      shell.once('exit', () => this.#startAgain(againMs));
      shell.stdin?.write(`${mark}\n`);
      return shell;
    } catch (error) {
      this.#refused(error as Error); // the system's refusal is an Error
      return undefined;
    }
  }

  #refused({message}: Error): void {
    if (!this.#isRefused) this.#options.log.warn({cause: message}, 'Without /bin/sh the function outlives a core that is killed');
    this.#isRefused = true;
    this.#startAgain(refusedAgainMs);
  }

  #startAgain(afterMs: number): void {
    this.#options.clock.after(afterMs, () => {
      if (this.#isOver) return;
      this.#shell = this.#start();
      this.#writeGroups();
    });
  }

  #writeGroups(): void {
    this.#shell?.stdin?.write(`${[...this.#groups].join(' ')}\n`);
  }
}
