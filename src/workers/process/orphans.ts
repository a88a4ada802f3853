import {type ChildProcess, spawn} from 'node:child_process';
import type {Clock} from '../../clock.ts';
import type {Log} from '../../log.ts';

/*
What must not happen: the core is ended by SIGKILL, and its functions go on without it. A shell that does nothing but
read waits beside the core, in a session of its own. It is told which process groups live; when its input ends, the
core is gone, however that came about, and the shell ends those groups. It needs nothing of the language of a function,
and functions know nothing of it.

Of a process that the core was just starting the shell was never told. It is known by the mark in its environment, which
the kernel may fill a moment later: therefore several looks. Whoever says that it is over leaves nothing to look for.
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

/** How long after somebody ended the shell another is started. */
const againMs = 1000;
/** How long after the system refused to start it, for want of a descriptor or of a shell. */
const refusedAgainMs = 10_000;

export interface WatchdogOptions {
  /** A text in the environment of our functions, and of nothing else on this system. One line. */
  readonly mark: string;
  readonly clock: Clock;
  readonly log: Log;
  /** By default /bin/sh. */
  readonly shell?: string;
}

/** Ends the process groups of our functions when this process is gone. */
export class Watchdog implements Disposable {
  readonly #options: WatchdogOptions;
  readonly #groups = new Set<number>();
  #shell: ChildProcess | undefined;
  #isRefused = false;
  #isOver = false;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#shell = this.#start();
  }

  watch(group: number): void {
    this.#groups.add(group);
    this.#tell();
  }

  forget(group: number): void {
    this.#groups.delete(group);
    this.#tell();
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#shell?.stdin?.end('over\n');
  }

  /** The system may refuse, and it may say so now or later. */
  #start(): ChildProcess | undefined {
    const {mark, shell: file = '/bin/sh'} = this.#options;
    try {
      const shell = spawn(file, ['-c', script], {detached: true, stdio: ['pipe', 'ignore', 'ignore'], env: {}});
      shell.unref();
      (shell.stdin as {unref?: () => void} | null)?.unref?.(); // a pipe's socket
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
      this.#tell();
    });
  }

  #tell(): void {
    this.#shell?.stdin?.write(`${[...this.#groups].join(' ')}\n`);
  }
}
