import type {Environment} from '../../settings/setting.ts';

/** What variables of a manifest may refer to. */
export interface Sources {
  /** The environment of this machine, with the `.env` file. */
  readonly env: Environment;
  /** The whole manifest, for `self:`. */
  readonly manifest: unknown;
}

export type Resolved = {readonly text: string} | {readonly problem: string};

/** Variables may be made of variables; a circle of `self:` would go on for ever. */
const mostReplacements = 100;
/** Texts that double with each replacement are cut off early. */
const longestText = 2 ** 20;

/**
Replaces the variables of the Serverless Framework in a text: `${env:NAME}`, `${self:path.to.value}`, `${sls:stage}` and
`${opt:name, 'fallback'}`, each with fallbacks behind commas, inside one another and next to other text. `dev` takes no options
of the framework, so `opt:` always falls back; the stage is `dev`, as by default.

A text `${NAME}` without a source is left as it is: only secrets read it, as a variable of this machine.

@see https://www.serverless.com/framework/docs/providers/aws/guide/variables
*/
export function resolveVariables(given: string, sources: Sources): Resolved {
  let text = given;
  for (let replaced = 0; ; replaced++) {
    const found = innermost.exec(text);
    if (found === null) return {text: text.replaceAll(opaque, '${')};
    if (replaced === mostReplacements || text.length > longestText) return {problem: `\`${given}\` refers to itself, or grows without end`};
    const [all, inside = ''] = found;
    const value = firstOf(inside, sources);
    if ('problem' in value) return value;
    text = text.slice(0, found.index) + value.text + text.slice(found.index + all.length);
  }
}

/** Stands for `${` in what the environment gave, which is no part of the manifest. A character for private use. */
const opaque = '\u{F8FF}{';

/** A variable that has no other inside. Its source is a word with a colon behind it, or a call such as `file(…)`. */
const innermost = /\$\{(\s*[a-zA-Z]+(?:\([^${}]*\))?:[^${}]*|\s*file\([^${}]*\)[^${}]*)\}/;

/** The first of several sources that has a value. */
function firstOf(inside: string, sources: Sources): Resolved {
  const candidates = splitAtCommas(inside);
  for (const candidate of candidates) {
    const value = readSource(candidate.trim(), sources);
    if (value !== undefined) return {text: value};
  }
  const [first = ''] = candidates;
  return {problem: whyNot(first.trim())};
}

/** Commas inside of quotes do not count. */
const splitAtCommas = (text: string): readonly string[] => text.match(/(?:'[^']*'|"[^"]*"|[^,])+/g) ?? [''];

function readSource(candidate: string, {env, manifest}: Sources): string | undefined {
  const quoted = /^(?:'(.*)'|"(.*)")$/s.exec(candidate);
  if (quoted) return quoted[1] ?? quoted[2] ?? '';
  if (/^(?:true|false|null|-?\d+(?:\.\d+)?)$/.test(candidate)) return candidate;
  const [, source, key = ''] = /^([a-zA-Z]+):(.*)$/s.exec(candidate) ?? [];
  if (source === 'env') return env[key.trim()]?.replaceAll('${', opaque);
  if (source === 'sls' && key === 'stage') return 'dev';
  if (source === 'self') return scalarAt(manifest, key.trim());
  return undefined;
}

/** The text, number or truth value at `a.b.0.c`; undefined when there is none. */
function scalarAt(manifest: unknown, key: string): string | undefined {
  let value = manifest;
  for (const part of key.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : undefined;
}

/** Why a variable without a fallback has no value. */
function whyNot(candidate: string): string {
  const [, source = '', key = ''] = /^([a-zA-Z]+)[:(](.*)$/s.exec(candidate) ?? [];
  if (source === 'env') return `${key.trim()} is not set in the environment nor in .env`;
  if (source === 'self') return `the file has no single value at ${key.trim()}`;
  if (source === 'opt') return `\`opt:${key.trim()}\` has no fallback, and options of the Serverless Framework do not exist here`;
  return `\`${candidate}\` cannot be read here: env:, self:, sls:stage and fallbacks in quotes can`;
}
