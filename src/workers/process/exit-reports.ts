import type {Clock} from '../../clock.ts';
import type {Log} from '../../log.ts';
import type {ChildExit} from './child.ts';
import {describeExit, isOrdered} from './exit.ts';
import type {EndView} from './view.ts';

/** Ends of a place that are kept to be shown. */
const mostKept = 20;

/** Logs the exits that nobody asked for, each with the last words of its process, and keeps the newest of all. */
export class ExitReports {
  readonly #log: Log;
  readonly #clock: Pick<Clock, 'now'>;
  /** Last words of processes that are gone: they may still have to be read. */
  readonly #unread = new Set<Promise<unknown>>();
  #newest: EndView[] = [];

  constructor({log, clock}: {readonly log: Log; readonly clock: Pick<Clock, 'now'>}) {
    this.#log = log;
    this.#clock = clock;
  }

  /** The newest first. */
  get newest(): readonly EndView[] {
    return this.#newest;
  }

  add(pid: number | undefined, exit: ChildExit): void {
    const {lastWords} = exit;
    this.#unread.add(lastWords);
    void lastWords.then(() => this.#unread.delete(lastWords));
    void this.#report(pid, exit, this.#clock.now());
  }

  /** Resolves when everything is read that the processes wrote which are gone by now. */
  async allRead(): Promise<void> {
    await Promise.all(this.#unread);
  }

  async #report(pid: number | undefined, exit: ChildExit, at: number): Promise<void> {
    const {reason, code, signal, upMs} = exit;
    const lastWords = await exit.lastWords;
    const sentence = describeExit(exit);
    this.#newest = [{at, ...(pid !== undefined && {pid}), reason, code, signal, upMs, sentence, lastWords}, ...this.#newest].slice(
      0,
      mostKept,
    );
    if (!isOrdered(reason)) this.#log.error({reason, code, signal, pid, ...(lastWords && {stderr: lastWords})}, sentence);
  }
}
