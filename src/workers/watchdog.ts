import {type ChildProcess, spawn} from 'node:child_process';

/*
What must not happen: the core is ended by SIGKILL, and its functions go on without it. A shell that does nothing but
read waits beside the core, in a session of its own. It is told which process groups live; when its input ends, the
core is gone, however that came about, and the shell ends those groups. It needs nothing of the language of a function,
and functions know nothing of it.
*/
const script = `
trap '' TERM INT HUP QUIT
groups=''
while read -r line; do groups=$line; done
for group in $groups; do kill -KILL -"$group" 2>/dev/null; done
`;

/** Ends the process groups of our functions when this process is gone. */
export class Watchdog implements Disposable {
  readonly #shell: ChildProcess;
  readonly #groups = new Set<number>();

  constructor() {
    this.#shell = spawn('/bin/sh', ['-c', script], {detached: true, stdio: ['pipe', 'ignore', 'ignore'], env: {}});
    this.#shell.unref();
    // Without a shell there is no watchdog; the functions run all the same.
    this.#shell.on('error', () => {});
    this.#shell.stdin?.on('error', () => {});
    (this.#shell.stdin as {unref?: () => void} | null)?.unref?.(); // a pipe's socket
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
    this.#shell.stdin?.end();
  }

  #tell(): void {
    this.#shell.stdin?.write(`${[...this.#groups].join(' ')}\n`);
  }
}
