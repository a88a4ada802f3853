import type {Log} from '../../log.ts';
import type {ChildExit} from './child.ts';
import {describeExit, isOrdered} from './exit.ts';

/** Logs the exits that nobody asked for, each with the last words of its process. */
export class ExitReports {
  readonly #log: Log;
  /** Last words of processes that are gone: they may still have to be read. */
  readonly #unread = new Set<Promise<unknown>>();

  constructor(log: Log) {
    this.#log = log;
  }

  add(pid: number | undefined, exit: ChildExit): void {
    const {lastWords} = exit;
    this.#unread.add(lastWords);
    void lastWords.then(() => this.#unread.delete(lastWords));
    if (!isOrdered(exit.reason)) void this.#report(pid, exit);
  }

  /** Resolves when everything is read that the processes wrote which are gone by now. */
  async allRead(): Promise<void> {
    await Promise.all(this.#unread);
  }

  async #report(pid: number | undefined, exit: ChildExit): Promise<void> {
    const {reason, code, signal} = exit;
    const stderr = await exit.lastWords;
    this.#log.error({reason, code, signal, pid, ...(stderr && {stderr})}, describeExit(exit));
  }
}
