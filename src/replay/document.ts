import {printable} from '../printable.ts';
import {bodyText, contentType, fieldsOf, type Outcome, statusText} from './compare.ts';
import {isList, isObject, type Json, pointer, readJson, writeJson} from './json.ts';
import {isNoise, type JudgedDifference, type Noise} from './judge.ts';
import {conceal, hidden, isSecretValue, type Secrets} from './secrets.ts';

/** What stands for a value that differs whenever the function runs. */
const noisy = '«noise»';
const longestLine = 200;
const longestValue = 1000;

export interface Masks {
  readonly noise: Noise;
  readonly secrets: Secrets;
  /** Whether a word is known not to be a secret. */
  readonly isKnown: (word: string) => boolean;
}

/** An outcome as lines for a diff: status, headers by name, body. What means nothing or is secret is masked. */
export function documentOf(outcome: Outcome, masks: Masks): string[] {
  const status = isNoise(masks.noise, 'status', '') ? noisy : statusText(outcome);
  const lines = [`status ${status}`, ...headerLines(outcome, masks)];
  if (outcome.body) lines.push('', ...bodyLines(outcome.body, contentType(outcome), masks));
  return lines.map(line => shorten(printable(line), longestLine));
}

/** One side of a difference on one line; undefined when it is not there. */
export function valueText({aspect, path, meaning}: JudgedDifference, value: Json | undefined, masks: Masks): string | undefined {
  if (value === undefined) return undefined;
  if (meaning === 'redacted') return hidden;
  // Here the value itself is shown, also if it is noise.
  const shown = {...masks, noise: new Set<string>()};
  const text =
    aspect === 'body' && path !== ''
      ? jsonLines(path, value, shown, '', '')
          .map(line => line.trim())
          .join(' ')
      : plainText(value, shown);
  return shorten(text, longestValue);
}

function plainText(value: Json, {secrets, isKnown}: Masks): string {
  const text = typeof value === 'string' ? value : isList(value) ? value.join(', ') : writeJson(value);
  return conceal(text, secrets, isKnown);
}

function headerLines({headers = []}: Outcome, {noise, secrets, isKnown}: Masks): string[] {
  const shown = (name: string, value: string) => (isNoise(noise, 'headers', name) ? noisy : conceal(value, secrets, isKnown));
  return [...fieldsOf(headers)]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([name, values]) => values.map(value => `${name}: ${shown(name, value)}`));
}

function bodyLines(body: Buffer, type: string, masks: Masks): string[] {
  if (isNoise(masks.noise, 'body', '')) return [noisy];
  const value = readJson(body, type);
  if (value !== undefined) return jsonLines('', value, masks, '', '');
  return bodyText(body)
    .split('\n')
    .map(line => conceal(line, masks.secrets, masks.isKnown));
}

/** A JSON value as indented lines, with its members in a fixed order. */
function jsonLines(path: string, value: Json, masks: Masks, indent: string, name: string): string[] {
  const start = `${indent}${name}`;
  if (isNoise(masks.noise, 'body', path)) return [start + noisy];
  if (isSecretValue(path, value, masks.secrets)) return [start + hidden];
  const members: (readonly [string, Json, string])[] = isList(value)
    ? value.map((item, index) => [pointer(path, index), item, ''])
    : isObject(value)
      ? Object.entries(value)
          .sort(([one], [other]) => (one < other ? -1 : 1))
          .map(([key, item]) => [pointer(path, key), item, `${JSON.stringify(key)}: `])
      : [];
  if (members.length === 0) return [start + conceal(writeJson(value), masks.secrets, masks.isKnown)];
  const [open, close] = isList(value) ? '[]' : '{}';
  return [start + open, ...members.flatMap(([at, item, key]) => jsonLines(at, item, masks, `${indent}  `, key)), indent + close];
}

export const shorten = (text: string, most: number) => (text.length > most ? `${text.slice(0, most)}…` : text);
