import {isMap, isScalar, LineCounter, parseDocument} from 'yaml';
import {ConfigurationError} from '../../errors.ts';

/** Where a value stands in a document: the keys and positions that lead to it. */
export type Path = readonly (string | number)[];

/** A YAML document whose values know their lines. */
export interface YamlDocument {
  readonly value: unknown;
  /** The file and, where it is known, the line of a value, or of the nearest one around it: `serverless.yml:12`. */
  where(path: Path): string;
  /** A scalar as it was written, such as `1.10`, which is another number than text; undefined where it is not one. */
  written(path: Path): string | undefined;
}

/** More mistakes than a person mends at a time: most follow from the first. */
const mostMistakes = 10;
/** Larger than any manifest that a person writes. */
const mostCharacters = 2 ** 20;

/**
Reads YAML 1.2 with merge keys (`<<`), and JSON, which is a part of it.

@param name of the file, for messages
@throws ConfigurationError with the line of each mistake
*/
export function readYaml(text: string, name: string): YamlDocument {
  if (text.length > mostCharacters) throw new ConfigurationError([`${name}: expected at most ${mostCharacters} characters`]);
  const lines = new LineCounter();
  const document = parseDocument(text, {merge: true, lineCounter: lines, prettyErrors: false, logLevel: 'silent'});
  const {errors} = document;
  if (errors.length > 0) {
    throw new ConfigurationError(few(errors.map(({pos, message}) => `${name}:${lines.linePos(pos[0]).line}: ${plain(message)}`)));
  }
  return {value: toPlain(), where, written};

  function toPlain(): unknown {
    try {
      return document.toJS({maxAliasCount: 100});
    } catch (error) {
      throw new ConfigurationError([`${name}: ${(error as Error).message}`]); // an alias that leads nowhere, or too many of them
    }
  }

  function where(path: Path): string {
    for (let length = path.length; length > 0; length--) {
      const line = lineOf(path.slice(0, length));
      if (line !== undefined) return `${name}:${line}`;
    }
    return name;
  }

  /** The line of a key in a map, or of an item of a list. */
  function lineOf(path: Path): number | undefined {
    const key = path.at(-1);
    const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
    const pair = isMap(parent) ? parent.items.find(item => isScalar(item.key) && String(item.key.value) === String(key)) : undefined;
    const node = pair?.key ?? document.getIn(path, true);
    const start = (node as {range?: readonly number[] | null} | undefined)?.range?.[0];
    return start === undefined ? undefined : lines.linePos(start).line;
  }

  function written(path: Path): string | undefined {
    const node = document.getIn(path, true);
    return isScalar(node) ? node.source : undefined;
  }
}

/** Each line once, and no more than a person reads. */
function few(mistakes: readonly string[]): string[] {
  const different = [...new Set(mistakes)];
  const more = different.length - mostMistakes;
  return more > 0 ? [...different.slice(0, mostMistakes), `and ${more} more mistakes of this kind`] : different;
}

/** The parser calls itself for each level. */
const plain = (message: string) => (message === 'Maximum call stack size exceeded' ? 'it is nested too deeply' : message);
