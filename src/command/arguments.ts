import {parseDuration} from '../settings/setting.ts';

/** `--name <value>` on a command line, or a flag `--name`. */
export interface Option<T> {
  readonly doc: string;
  /** Stands for the value in the help, such as `<file>`; a flag has none. */
  readonly value?: string;
  /** Completes "expected …" for a text that cannot be read. */
  readonly expected?: string;
  /** One letter that stands for the name: `-d`. */
  readonly short?: string;
  /** True: it may be given several times. Each text is read by itself, and makes a list. */
  readonly repeats?: true;
  /** What the option means; the text is undefined where the option is not given. @returns undefined when the text cannot be read */
  read(text: string | undefined): T;
}

/** A word, or several, that stand on a command line without a name. */
export interface Argument<T> {
  readonly doc: string;
  /** `behind`: like `program`, but it may be left out. */
  readonly shape: 'one' | 'optional' | 'many' | 'program' | 'behind';
  /** Completes "expected …" when it is missing, or when there are too many words. */
  readonly expected: string;
  /** Takes its words from the front of those that are left. */
  take(words: string[]): T | undefined;
}

export type Options = Readonly<Record<string, Option<unknown>>>;
export type Arguments = Readonly<Record<string, Argument<unknown>>>;

/** What a command is given, by the names of its options and arguments. */
export type Given<O extends Options, A extends Arguments> = {[K in keyof O]: O[K] extends Option<infer T> ? T : never} & {
  [K in keyof A]: A[K] extends Argument<infer T> ? T : never;
};

/** The options as Node's parser wants them. */
export function parserOptions(options: Options): Record<string, {type: 'boolean' | 'string'; short?: string; multiple?: true}> {
  const entries = Object.entries(options).map(([name, {value, short, repeats}]) => {
    const type = value === undefined ? ('boolean' as const) : ('string' as const);
    return [name, {type, ...(short !== undefined && {short}), ...(repeats && {multiple: repeats})}] as const;
  });
  return Object.fromEntries(entries);
}

export const flag = (doc: string): Option<boolean> => ({doc, read: text => text !== undefined});

export const text = (value: string, doc: string): Option<string | undefined> => ({doc, value, read: given => given});

export const choice = (value: string, words: readonly string[], doc: string): Option<string | undefined> => ({
  doc: `${doc} One of ${words.join(', ')}.`,
  value,
  expected: `one of ${words.join(', ')}`,
  read: given => words.find(word => word === given),
});

/** Gives an option a letter. */
export const withLetter = <T>(short: string, option: Option<T>): Option<T> => ({...option, short});

/** An option that may be given several times. @param readOne undefined when the text cannot be read */
export function several<T>(value: string, expected: string, doc: string, readOne: (text: string) => T | undefined): Option<readonly T[]>;
export function several<T>(
  value: string,
  expected: string,
  doc: string,
  readOne: (text: string) => T | undefined,
): Option<readonly T[] | undefined> {
  return {
    doc: `${doc} May be given several times.`,
    value,
    expected,
    repeats: true,
    read(given) {
      if (given === undefined) return [];
      const one = readOne(given);
      return one === undefined ? undefined : [one];
    },
  };
}

/** A time that has passed, in milliseconds and as it was written. */
export interface Ago {
  readonly ms: number;
  readonly text: string;
}

export function ago(doc: string): Option<Ago | undefined>;
export function ago(doc: string, fallback: string): Option<Ago>;
export function ago(doc: string, fallback?: string): Option<Ago | undefined> {
  return {
    doc: fallback === undefined ? doc : `${doc} By default ${fallback}.`,
    value: '<duration>',
    expected: 'a duration such as 15m or 24h',
    read(given = fallback) {
      const ms = given === undefined ? undefined : parseDuration(given);
      return given === undefined || ms === undefined ? undefined : {ms, text: given};
    },
  };
}

export function count(value: string, doc: string): Option<number | undefined>;
export function count(value: string, doc: string, fallback: number): Option<number>;
export function count(value: string, doc: string, fallback?: number): Option<number | undefined> {
  return {
    doc: fallback === undefined ? doc : `${doc} By default ${fallback}.`,
    value,
    expected: 'a number from 1 on',
    read: given => (given === undefined ? fallback : /^[1-9]\d{0,6}$/.test(given) ? Number(given) : undefined),
  };
}

export const port = (value: string, doc: string): Option<number | undefined> => ({
  doc,
  value,
  expected: 'a port from 0 to 65535',
  read: given => (given !== undefined && /^\d{1,5}$/.test(given) && Number(given) <= 65_535 ? Number(given) : undefined),
});

/** `--json`, which every command has that prints something to read. */
export const json = flag('Print JSON, one object on a line, and nothing else.');

export const one = (expected: string, doc: string): Argument<string> => ({doc, expected, shape: 'one', take: words => words.shift()});

export const optional = (expected: string, doc: string): Argument<string | undefined> => ({
  doc,
  expected,
  shape: 'optional',
  take: words => words.shift(),
});

export const many = (expected: string, doc: string): Argument<readonly string[]> => ({
  doc,
  expected,
  shape: 'many',
  take: words => words.splice(0),
});

/** The command line of another program, behind `--`. */
export const program = (expected: string, doc: string): Argument<readonly [string, ...string[]]> => ({
  doc,
  expected,
  shape: 'program',
  take(words) {
    const [file, ...rest] = words.splice(0);
    return file === undefined ? undefined : [file, ...rest];
  },
});

/** The same, which may be left out: only what stands behind `--` is meant. */
export const behind = (doc: string): Argument<readonly [string, ...string[]] | undefined> => ({
  ...program('a command behind --', doc),
  shape: 'behind',
});
