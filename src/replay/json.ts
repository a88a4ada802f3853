import {isUtf8} from 'node:buffer';

/** A number as it stood in its text: no digit is lost, and 1.0 is not 1. */
export class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Json = null | boolean | string | NumberText | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [member: string]: Json;
}

/** Code that walks a value calls itself for each level. */
const mostLevels = 500;

/**
A body that is one JSON value. One whose type is not JSON counts when it is an object or an array: many functions
serialise themselves and give no type.

@returns undefined for any other body, and for a value of more levels than anybody writes
*/
export function readJson(body: Buffer, contentType: string): Json | undefined {
  if (!isUtf8(body)) return undefined;
  const text = body.toString('utf8');
  if (!/^[\t\n\r ]*[[{]/.test(text) && !/^application\/([\w.+-]+\+)?json\s*(;|$)/i.test(contentType)) return undefined;
  return parseJson(text);
}

/** @returns undefined when it is no JSON, or of too many levels */
export function parseJson(text: string): Json | undefined {
  // The third argument is ECMAScript's JSON.parse source text access; the compiler's library does not know it yet.
  const keep = (_member: string, value: unknown, context?: {source?: string}) =>
    typeof value === 'number' ? new NumberText(context?.source ?? String(value)) : value;
  try {
    const value = JSON.parse(text, keep) as Json; // what JSON.parse makes, its numbers replaced
    return hasFewLevels(value) ? value : undefined;
  } catch {
    return undefined; // a function over every value needs stack for every level, and may not have it
  }
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberText);
export const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);

/** On one line. */
export function writeJson(value: Json): string {
  if (value instanceof NumberText) return value.text;
  if (isList(value)) return `[${value.map(writeJson).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  return `{${Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}:${writeJson(member)}`)}}`;
}

/** The path of a member: RFC 6901, JSON Pointer. */
export const pointer = (parent: string, member: string | number) =>
  `${parent}/${String(member).replaceAll('~', '~0').replaceAll('/', '~1')}`;

/** The members that a path names, outermost first. */
export const membersOf = (path: string) =>
  path
    .split('/')
    .slice(1)
    .map(member => member.replaceAll('~1', '/').replaceAll('~0', '~'));

function hasFewLevels(value: Json): boolean {
  let level: Json[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > mostLevels) return false;
    level = level.flatMap(each => (isList(each) ? each : isObject(each) ? Object.values(each) : []));
  }
  return true;
}
