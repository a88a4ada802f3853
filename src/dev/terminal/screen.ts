import {stripVTControlCharacters} from 'node:util';
import {atTurnEnd} from '../../clock.ts';

/** As much of stdout as is written to. */
export interface Out {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly writableLength: number;
  write(text: string): boolean;
}

/** Lines are dropped while so much waits for a reader: what a function prints must not fill the memory. */
const mostWaitingBytes = 4 * 2 ** 20;

/** Where lines go. A terminal has a line at its bottom that stays there; a pipe or a file gets the lines and nothing else. */
export class Screen {
  readonly #out: Out;
  #pending: string[] = [];
  #status = '';
  /** Characters of the status line that is shown now. */
  #shown = 0;
  #dropped = 0;
  #isAsked = false;

  constructor(out: Out) {
    this.#out = out;
  }

  get width(): number {
    return this.#out.columns || 80; // 0 where the terminal does not say
  }

  write(lines: readonly string[]): void {
    if (this.#out.writableLength > mostWaitingBytes) {
      this.#dropped += lines.length;
      return;
    }
    if (this.#dropped > 0)
      this.#pending.push(`… ${this.#dropped.toLocaleString('en')} lines are left out: they came faster than they were read`);
    this.#dropped = 0;
    this.#pending.push(...lines);
    this.#ask();
  }

  /** Sets the line at the bottom; '' for none. Without a terminal it has no effect. */
  setStatus(text: string): void {
    if (text === this.#status) return;
    this.#status = text;
    this.#ask();
  }

  /** Writes what waits, and removes the line at the bottom until it is set again. */
  takeAway(): void {
    this.#status = '';
    this.flush();
  }

  /** Removes what is shown. */
  clear(): void {
    if (!this.#out.isTTY) return;
    this.flush();
    this.#out.write('\x1b[2J\x1b[3J\x1b[H');
    this.#shown = 0;
    this.#ask();
  }

  /** Writes what waits now. What comes within one turn of the event loop is written at once. */
  flush(): void {
    this.#isAsked = false;
    const {isTTY = false} = this.#out;
    const lines = this.#pending.splice(0);
    const text = lines.length === 0 ? '' : `${lines.join('\n')}\n`;
    const written = `${this.#erasing()}${text}${isTTY ? this.#status : ''}`;
    this.#shown = isTTY ? stripVTControlCharacters(this.#status).length : 0;
    if (written !== '') this.#out.write(written);
  }

  /** Removes the status line. It takes more than one line when the terminal has become narrower meanwhile. */
  #erasing(): string {
    if (this.#shown === 0) return '';
    const above = Math.ceil(this.#shown / this.width) - 1;
    return `\r${above > 0 ? `\x1b[${above}A` : ''}\x1b[J`;
  }

  #ask(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    atTurnEnd(() => {
      if (this.#isAsked) this.flush();
    });
  }
}
