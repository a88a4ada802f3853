import {printable} from '../../printable.ts';
import {cut} from './call-line.ts';
import {type Ink, nameStyle} from './ink.ts';

const longestName = 20;

/** What stands before the lines of functions that are served side by side: their names, as wide as the widest. */
export class Prefix {
  readonly #ink: Ink;
  #width = 0;
  #count = 0;

  constructor(ink: Ink) {
    this.#ink = ink;
  }

  /** @returns what makes the text, as later names may be wider */
  of(name: string): () => string {
    const ink = this.#ink;
    const style = nameStyle(this.#count++);
    const shown = printable(cut(name, longestName));
    this.#width = Math.max(this.#width, shown.length);
    return () => `${ink(style, shown.padEnd(this.#width))} ${ink('dim', '│')} `;
  }
}
