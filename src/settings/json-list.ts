import {readBounded} from '../bounded-file.ts';
import {ConfigurationError} from '../errors.ts';
import {whereNotJson} from './json-position.ts';
import {parseYaml} from './yaml-text.ts';

export interface JsonListOptions {
  /** The setting that holds the list. */
  readonly setting: string;
  /** What its members are, in the plural. */
  readonly things: string;
  readonly most: number;
  /** True: numbers stay as they are written, as raw JSON; as a double, a long one would change. */
  readonly keepsNumbers?: true;
  /** True: it may be YAML, too: in a file that ends with .yaml or .yml, or a text that begins with a dash. */
  readonly orYaml?: true;
}

/** Only the position is given: the text there may be a secret, and the messages of Node quote it. */
function positionText(text: string, position: number): string {
  if (position >= text.length) return 'it ends too early';
  const lines = text.slice(0, position).split('\n');
  return `it is not JSON at line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1}`;
}

/**
Reads a setting that is a list in JSON, or the path of a file that holds one.

@throws ConfigurationError
*/
export function readJsonList(text: string, {setting, things, most, keepsNumbers, orYaml}: JsonListOptions): readonly unknown[] {
  const isInline = /^\s*[[{"]/.test(text) || (orYaml === true && isYamlList.test(text));
  const isYaml = orYaml === true && (isInline ? isYamlList : isYamlFile).test(text);
  const where = isInline ? setting : `the file \`${text}\``;
  const kind = isYaml ? 'YAML' : 'JSON';
  const content = isInline ? text : readFile(text, things);
  const refuse = (problem: string): never => {
    throw new ConfigurationError([`expected a ${kind} list of ${things} in ${where}, got other text: ${problem}`]);
  };
  const list = isYaml ? parseYamlOr(content, refuse) : parse(content, keepsNumbers, refuse);
  if (!Array.isArray(list)) throw new ConfigurationError([`expected a ${kind} list of ${things} in ${where}, got ${typeof list}`]);
  if (list.length > most) throw new ConfigurationError([`expected at most ${most} ${things}, got ${list.length}`]);
  return list;
}

const isYamlList = /^\s*-\s/;
const isYamlFile = /\.ya?ml$/;

/** Longer than any list that a person writes, and than the longest texts of one schedule or key. */
const mostBytes = 2 ** 24;

function readFile(path: string, things: string): string {
  try {
    return readBounded(path, mostBytes);
  } catch (error) {
    const code = error instanceof Error && 'syscall' in error && 'code' in error ? error.code : (error as Error).message;
    throw new ConfigurationError([
      `expected a JSON list of ${things}, or the path of a file that holds one; \`${path}\` cannot be read: ${code}`,
    ]);
  }
}

function parse(text: string, keepsNumbers: boolean | undefined, refuse: (problem: string) => never): unknown {
  try {
    return keepsNumbers ? json.parse(text, keepNumber) : JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return refuse(positionText(text, whereNotJson(text)));
  }
}

function parseYamlOr(text: string, refuse: (problem: string) => never): unknown {
  try {
    return parseYaml(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return refuse(error.message);
  }
}

const keepNumber = (_key: string, value: unknown, {source}: {source?: string}) =>
  typeof value === 'number' && source ? json.rawJSON(source) : value;

/** TypeScript does not know yet what JSON has of the source text (ECMAScript 2026); every Node that we support does. */
export const json = JSON as unknown as {
  parse(text: string, revive: (key: string, value: unknown, context: {source?: string}) => unknown): unknown;
  rawJSON(text: string): unknown;
  isRawJSON(value: unknown): boolean;
};
