import type {Clock} from '../../clock.ts';
import {statOf} from '../../workers/proc/stat.ts';

/** As much of stdin as keys need. */
export interface Tty {
  readonly isTTY?: boolean;
  setRawMode(isRaw: boolean): unknown;
  on(event: 'data', listener: (bytes: Buffer) => void): unknown;
  on(event: 'error', listener: () => void): unknown;
  off(event: 'data', listener: (bytes: Buffer) => void): unknown;
  pause(): unknown;
  resume(): unknown;
}

export interface KeyListener {
  /** Gets a character, or the whole of what a special key sends. */
  press(key: string): void;
  /** The job is about to be stopped: the terminal belongs to the shell from now on. */
  suspend(): void;
}

/** A stop takes effect within this time, unless nobody could continue us. Then the keys are read on. */
const stopMs = 100;
const ctrlZ = '\x1a';

/**
The keys that a person presses, one by one. The terminal is in raw mode meanwhile, so that a key counts at once; Ctrl-C is a
key, too. A process in the background must leave the terminal alone: it gets the keys once it is in the foreground.
*/
export class Keyboard {
  readonly #stdin: Tty;
  readonly #clock: Clock;
  readonly #listener: KeyListener;
  readonly #continued = () => this.take();
  readonly #data = (bytes: Buffer) => this.#read(bytes.toString('latin1'));
  #isRaw = false;
  #isClosed = false;

  constructor(stdin: Tty, clock: Clock, listener: KeyListener) {
    this.#stdin = stdin;
    this.#clock = clock;
    this.#listener = listener;
    stdin.on('error', () => this.close()); // the terminal is gone
    process.on('SIGCONT', this.#continued);
    this.take();
  }

  /** False in the background. */
  get hasKeys(): boolean {
    return this.#isRaw;
  }

  /** Takes the keys if this process is in the foreground and does not have them yet. */
  take(): void {
    if (this.#isRaw || this.#isClosed || !isInForeground()) return;
    this.#isRaw = true;
    this.#stdin.setRawMode(true);
    // Only now: a listener alone makes a stream read, which stops a process in the background.
    this.#stdin.on('data', this.#data);
    this.#stdin.resume();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    process.off('SIGCONT', this.#continued);
    this.#release();
  }

  #read(text: string): void {
    // A special key sends several bytes at once, beginning with Esc. Pasted text is no key.
    for (const key of text.startsWith('\x1b') ? [text] : text.slice(0, 16)) key === ctrlZ ? this.#suspend() : this.#listener.press(key);
  }

  /** As the terminal would: the whole job stops, npm and its shell included, until the shell continues it. */
  #suspend(): void {
    this.#release();
    this.#listener.suspend();
    process.kill(0, 'SIGTSTP');
    this.#clock.after(stopMs, () => this.take());
  }

  #release(): void {
    if (!this.#isRaw) return;
    this.#isRaw = false;
    this.#stdin.setRawMode(false);
    this.#stdin.off('data', this.#data);
    this.#stdin.pause();
  }
}

/** True where the system does not say. */
function isInForeground(): boolean {
  const stat = statOf('self');
  return stat === undefined || stat.foreground === stat.group;
}
