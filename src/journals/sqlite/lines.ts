import type {Position} from '../../journal.ts';
import {lineHead} from './line.ts';
import {LooseFacts, linesOf} from './loose-facts.ts';

/** The facts of one commit. Their text is made only if somebody looks for a stream in it, or if all of them are lines. */
export class Lines {
  readonly #parts: (string | Uint8Array)[] = [];
  #text: string | undefined;

  /** @param lines text, or facts as `LooseFacts` gathers them */
  add(lines: string | Uint8Array): void {
    this.#parts.push(lines);
    if (this.#text !== undefined) this.#text += textOf(lines);
  }

  /** Position of the stream's newest fact in this commit, which begins after another position; 0 when it has none. */
  newest(stream: string, after: Position): Position {
    const text = this.#whole();
    const head = lineHead(stream);
    const at = text.lastIndexOf(`\n${head}`) + 1;
    if (at === 0 && !text.startsWith(head)) return 0;
    return after + text.slice(0, at).split('\n').length;
  }

  /** As they are kept. `gathered`: as `LooseFacts` gathers them; otherwise text in UTF-8. */
  get body(): {readonly bytes: Buffer; readonly isGathered: boolean} {
    if (this.#parts.every(part => typeof part === 'string')) return {bytes: Buffer.from(this.#whole()), isGathered: false};
    const [only] = this.#parts;
    if (this.#parts.length === 1 && only instanceof Uint8Array) return {bytes: asBuffer(only), isGathered: true};
    const all = new LooseFacts();
    for (const part of this.#parts) {
      if (typeof part === 'string') all.addLines(part);
      else all.addAll(part);
    }
    return {bytes: asBuffer(all.take()), isGathered: true};
  }

  #whole(): string {
    this.#text ??= this.#parts.map(textOf).join('');
    return this.#text;
  }
}

const textOf = (part: string | Uint8Array) => (typeof part === 'string' ? part : linesOf(part));
const asBuffer = ({buffer, byteOffset, byteLength}: Uint8Array) => Buffer.from(buffer, byteOffset, byteLength);
