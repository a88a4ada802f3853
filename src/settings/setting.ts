import * as v from 'valibot';
import {either} from '../either.ts';
import {ConfigurationError} from '../errors.ts';
import type {Group} from './groups.ts';
import {withoutPassword} from './without-password.ts';

/** One setting: the only place that knows its name, default, meaning and rule. */
export interface Setting<T> {
  readonly name: string;
  readonly schema: v.GenericSchema<string, T>;
  /** The default, written as a person would write it; undefined when there is none. */
  readonly fallback: string | undefined;
  readonly doc: string;
  /** Where the table of settings has it; `inGroup` sets it. */
  readonly group: Group;
  readonly secret: boolean;
  /** For most settings an empty text means "not set"; for these it is a value. */
  readonly emptyIsValue: boolean;
  /** A long text: its problems quote what is wrong in it, and it is not repeated as a whole. */
  readonly isDocument: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: a table holds settings of every type; `Parsed` gives each its own back
export type Settings = Readonly<Record<string, Setting<any>>>;
export type Parsed<S extends Settings> = {readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never};
export type Environment = Readonly<Record<string, string | undefined>>;

type Schema<T> = v.GenericSchema<string, T>;
type Options = {emptyIsValue?: boolean; isDocument?: boolean};

export function setting<T>(name: string, schema: Schema<T>, fallback: string, doc: string, options?: Options): Setting<T>;
export function setting<T>(name: string, schema: Schema<T>, fallback: undefined, doc: string): Setting<T | undefined>;
export function setting<T>(name: string, schema: Schema<T>, fallback: string | undefined, doc: string, options?: Options) {
  const {emptyIsValue = false, isDocument = false} = options ?? {};
  return {name, schema, fallback, doc, group: 'serving', secret: false, emptyIsValue, isDocument};
}

/** A setting whose value is never shown, logged or passed to the function. */
export function secret<T>(name: string, schema: Schema<T>, fallback: undefined, doc: string): Setting<T | undefined> {
  return {name, schema, fallback, doc, group: 'serving', secret: true, emptyIsValue: false, isDocument: false};
}

/**
Reads every setting of the table from the environment.

@throws ConfigurationError listing every bad value with its name, the value (unless secret) and the rule.
*/
export function parseSettings<S extends Settings>(table: S, env: Environment): Parsed<S> {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [key, entry] of Object.entries(table)) {
    const text = givenText(entry, env) ?? entry.fallback;
    if (text === undefined) continue;
    const parsed = v.safeParse(entry.schema, text);
    if (parsed.success) values[key] = parsed.output;
    else if (entry.isDocument) problems.push(...parsed.issues.map(({message}) => `${entry.name}: ${message}`));
    else
      problems.push(`${entry.name}: ${parsed.issues[0].message}, got ${entry.secret ? 'a secret' : `\`${shown(withoutPassword(text))}\``}`);
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return values as Parsed<S>; // every key of the table was parsed, or is optional
}

/** What the environment gives for a setting; undefined when it gives nothing. */
export function givenText(entry: Setting<unknown>, env: Environment): string | undefined {
  const text = env[entry.name];
  return text === '' && !entry.emptyIsValue ? undefined : text;
}

/** The value of one text; undefined when it breaks the rule. */
export function parseText<T>(schema: v.GenericSchema<string, T>, given: string): T | undefined {
  const parsed = v.safeParse(schema, given);
  return parsed.success ? parsed.output : undefined;
}

export const text = () => v.string();

/**
A text that is compared with another, such as an id. It must not have control characters, nor white space at its ends, such
as the newline at the end of a file: with these it would never be equal.
*/
export const word = () =>
  v.pipe(
    v.string(),
    v.check(given => !/^[\s\p{C}]|[\s\p{C}]$|\p{Cc}/u.test(given), 'expected no control characters, and no white space at its ends'),
  );

/** A bearer token as a header field carries it (RFC 9110 §5.5): printable ASCII; others never arrive as they were written. */
export const token = () =>
  v.pipe(v.string(), v.regex(/^[!-~]([ -~]*[!-~])?$/, 'expected printable ASCII characters, and no white space at its ends'));

/** Control characters as JSON writes them, so that a message stays one line. */
export const shown = (given: string) =>
  given.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, character => {
    const [, written = ''] = /^"(.*)"$/.exec(JSON.stringify(character)) ?? [];
    return written.length > 1 ? written : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });

/** A text that `read` parses; it throws ConfigurationError with everything that is wrong. For settings that are documents. */
export const readBy = <T>(read: (given: string) => T) =>
  v.pipe(
    v.string(),
    v.rawTransform(({dataset, addIssue, NEVER}) => {
      try {
        return read(dataset.value);
      } catch (error) {
        if (!(error instanceof ConfigurationError)) throw error;
        for (const message of error.problems) addIssue({message});
        return NEVER;
      }
    }),
  );

/** True for exactly this word, false for anything else: a typing mistake never opens a door. */
export const exactly = (word: string) =>
  v.pipe(
    v.string(),
    v.transform(given => given === word),
  );

export const flag = () =>
  v.pipe(
    v.string(),
    v.picklist(['true', 'false'], 'expected true or false'),
    v.transform(word => word === 'true'),
  );

export const oneOf = <const W extends string>(...words: W[]) =>
  v.pipe(v.string(), v.picklist(words, `expected one of ${words.join(', ')}`));

export function integer(least: number, most: number) {
  const rule = `expected an integer from ${least} to ${most}`;
  return v.pipe(v.string(), v.regex(/^-?\d{1,15}$/, rule), v.transform(Number), v.minValue(least, rule), v.maxValue(most, rule));
}

/** The word auto, or a number. */
export function autoOr(least: number, most: number) {
  const rule = `expected auto, or an integer from ${least} to ${most}`;
  const isOne = (given: string) => given === 'auto' || (/^\d{1,15}$/.test(given) && Number(given) >= least && Number(given) <= most);
  return v.pipe(
    v.string(),
    v.check(isOne, rule),
    v.transform(given => (given === 'auto' ? 'auto' : Number(given))),
  );
}

export const port = () => integer(0, 65_535);

const durationUnits = {ms: 1, s: 1000, m: 60_000, h: 3_600_000} as const;

/** `500ms`, `2s`, `5m`, `1h` → milliseconds. */
export function duration(leastMs = 0) {
  return v.pipe(
    v.string(),
    v.regex(/^(0|\d{1,9}(\.\d{1,3})?(ms|s|m|h))$/, 'expected a duration such as 500ms, 2s, 5m or 1h'),
    v.transform(given => {
      const [, amount = '0', unit = 'ms'] = /^([\d.]+)(ms|s|m|h)?$/.exec(given) ?? [];
      return Number(amount) * durationUnits[unit as keyof typeof durationUnits]; // the pattern allows no other unit
    }),
    v.minValue(leastMs, `expected at least ${leastMs}ms`),
  );
}

const anyDuration = duration();

/** The milliseconds of a text that may be a duration; undefined when it is not. */
export function parseDuration(given: string): number | undefined {
  const parsed = v.safeParse(anyDuration, given);
  return parsed.success ? parsed.output : undefined;
}

const sizeUnits = {'': 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30} as const;

/** `6291456`, `64KiB`, `6MiB`, `1GiB` → bytes. @param mostGib 1 by default, as bodies are held in memory */
export function size(least = 1, mostGib = 1) {
  return v.pipe(
    v.string(),
    v.regex(/^\d{1,13}(KiB|MiB|GiB)?$/, 'expected a number of bytes, or a size such as 64KiB or 6MiB'),
    v.transform(given => {
      const [, amount = '0', unit = ''] = /^(\d+)(\w*)$/.exec(given) ?? [];
      return Number(amount) * sizeUnits[unit as keyof typeof sizeUnits]; // the pattern allows no other unit
    }),
    v.minValue(least, `expected at least ${least} bytes`),
    v.maxValue(mostGib * 2 ** 30, `expected at most ${mostGib}GiB`),
  );
}

/** A path, or nothing. */
export const metricsPath = () =>
  v.pipe(v.string(), v.regex(/^(\/[^?#\s\p{Cc}]*)?$/u, 'expected a path that starts with /, without white space, or nothing'));

export const url = (...schemes: string[]) =>
  v.pipe(
    v.string(),
    v.check(
      given => URL.canParse(given) && schemes.includes(new URL(given).protocol.slice(0, -1)),
      `expected a URL with scheme ${either(schemes)}`,
    ),
  );
