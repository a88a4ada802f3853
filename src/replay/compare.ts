import {isUtf8} from 'node:buffer';
import {createHash} from 'node:crypto';
import type {FaultCode} from '../errors.ts';
import {isList, isObject, type Json, NumberText, pointer, readJson} from './json.ts';

/** How an invocation ended, as far as that is known. For a recorded failure, only status and code are. */
export interface Outcome {
  readonly status: number;
  /** Why the function did not succeed; absent when it did. */
  readonly code?: FaultCode | undefined;
  /** Name, value, name, value … */
  readonly headers?: readonly string[] | undefined;
  readonly body?: Buffer | undefined;
  /** Of the body only this beginning was kept. */
  readonly isCut?: true;
}

export type Aspect = 'error' | 'status' | 'headers' | 'body';
/** What can differ, the gravest first. */
export const aspects: readonly Aspect[] = ['error', 'status', 'headers', 'body'];

/** A value is undefined where that side lacks it. */
export interface Difference {
  readonly aspect: Aspect;
  /** The lower-case name of a header, or a JSON Pointer into a JSON body; '' for the whole. */
  readonly path: string;
  readonly expected: Json | undefined;
  readonly actual: Json | undefined;
}

/** Everything in which two outcomes differ. The order of members of JSON objects, and space around values, do not count. */
export function differences(expected: Outcome, actual: Outcome): Difference[] {
  const found: Difference[] = [];
  if (actual.code !== undefined && actual.code !== expected.code) {
    found.push({aspect: 'error', path: '', expected: expected.code, actual: actual.code});
  }
  const [before, after] = [statusText(expected), statusText(actual)];
  const isMended = expected.code !== undefined && actual.code === undefined;
  if (expected.status !== actual.status || isMended) found.push({aspect: 'status', path: '', expected: before, actual: after});
  // The reply that the core makes of a failure cannot be compared with the answer of a function.
  if ((expected.code === undefined) !== (actual.code === undefined)) return found;
  if (expected.headers && actual.headers) found.push(...headerDifferences(expected.headers, actual.headers));
  if (expected.body && actual.body) {
    const body = expected.isCut ? actual.body.subarray(0, expected.body.length) : actual.body;
    found.push(...bodyDifferences(expected.body, body, contentType(expected), contentType(actual)));
  }
  return found;
}

export const statusText = ({status, code}: Outcome) => (code === undefined ? String(status) : `${status} ${code}`);

export function contentType({headers = []}: Outcome): string {
  return fieldsOf(headers).get('content-type')?.[0] ?? '';
}

/** Lower-case name → its values in their order. */
export function fieldsOf(headers: readonly string[]): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = (headers[index] ?? '').toLowerCase();
    fields.set(name, [...(fields.get(name) ?? []), headers[index + 1] ?? '']);
  }
  return fields;
}

function headerDifferences(expected: readonly string[], actual: readonly string[]): Difference[] {
  const [before, after] = [fieldsOf(expected), fieldsOf(actual)];
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].flatMap(path => {
    const [one, other] = [before.get(path), after.get(path)];
    const isSame = one?.length === other?.length && one?.every((value, index) => value === other?.[index]);
    return isSame ? [] : [{aspect: 'headers', path, expected: one, actual: other} as const];
  });
}

function bodyDifferences(expected: Buffer, actual: Buffer, expectedType: string, actualType: string): Difference[] {
  if (expected.equals(actual)) return [];
  const before = readJson(expected, expectedType);
  const after = before === undefined ? undefined : readJson(actual, actualType);
  if (before === undefined || after === undefined) {
    return [{aspect: 'body', path: '', expected: bodyText(expected), actual: bodyText(actual)}];
  }
  const found: Difference[] = [];
  walk('', before, after, found);
  return found;
}

/** Bytes that are not text are described, not shown. */
export function bodyText(body: Buffer): string {
  if (isUtf8(body)) return body.toString('utf8');
  return `${body.length} bytes, sha256 ${createHash('sha256').update(body).digest('hex').slice(0, 16)}`;
}

function walk(path: string, expected: Json, actual: Json, found: Difference[]): void {
  if (isList(expected) && isList(actual) && expected.length === actual.length) {
    for (const [index, value] of expected.entries()) walk(pointer(path, index), value, actual[index] as Json, found); // of equal length
  } else if (isObject(expected) && isObject(actual)) {
    for (const name of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      const [one, other] = [member(expected, name), member(actual, name)];
      const at = pointer(path, name);
      if (one === undefined || other === undefined) found.push({aspect: 'body', path: at, expected: one, actual: other});
      else walk(at, one, other, found);
    }
  } else if (!isSameValue(expected, actual)) found.push({aspect: 'body', path, expected, actual});
}

/** An object may lack a member that its prototype has. */
const member = (value: {readonly [name: string]: Json}, name: string) => (Object.hasOwn(value, name) ? value[name] : undefined);

function isSameValue(one: Json, other: Json): boolean {
  if (one instanceof NumberText && other instanceof NumberText) return one.text === other.text;
  return one === other;
}
