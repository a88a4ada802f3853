/** The part of a terminal that a screen needs. */
export interface ScreenStream {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

export interface Screen extends Disposable {
  /** Shows these lines instead of those before. Lines are cut to the terminal; they must hold nothing that it obeys but colours. */
  draw(lines: readonly string[]): void;
}

/** A terminal on which the same lines are drawn again and again. The last ones stay when it is disposed. */
export function openScreen(stream: ScreenStream): Screen {
  stream.write('\x1b[?25l\x1b[2J'); // no cursor, and nothing else on it
  return {
    draw(lines) {
      const fitting = lines.slice(0, (stream.rows ?? 24) - 1).map(line => `${cut(line, stream.columns ?? 80)}\x1b[K\n`);
      stream.write(`\x1b[H${fitting.join('')}\x1b[J`);
    },
    [Symbol.dispose]() {
      stream.write('\x1b[?25h');
    },
  };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: this is how colours begin
const colourOrCharacter = /(\x1b\[[\d;]*m)|[\s\S]/gu;

/** Colours take no room. */
function cut(line: string, columns: number): string {
  let room = columns;
  return line.replaceAll(colourOrCharacter, (character, colour: string | undefined) => colour ?? (room-- > 0 ? character : ''));
}
