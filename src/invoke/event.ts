import type {EventParts, Pair} from './input.ts';

/**
What an event in a file says about its request: one as functions receive it.

@throws TypeError that names the member that is not as it should be
*/
export function readEvent(json: string): Partial<EventParts> {
  const event: unknown = JSON.parse(json);
  if (!isRecord(event)) throw new TypeError('expected a JSON object');
  const method = text(event, 'httpMethod');
  const path = text(event, 'path');
  const body = text(event, 'body');
  const query = pairs(event, 'multiValueQueryStringParameters') ?? pairs(event, 'queryStringParameters');
  const headers = pairs(event, 'multiValueHeaders') ?? pairs(event, 'headers');
  return {
    ...(method !== undefined && {method}),
    ...(path !== undefined && {path}),
    ...(query && {query}),
    ...(headers && {headers}),
    ...(body !== undefined && {body: Buffer.from(body, event.isBase64Encoded === true ? 'base64' : 'utf8')}),
  };
}

function text(event: Record<string, unknown>, member: string): string | undefined {
  const value = event[member] ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  throw new TypeError(`expected ${member} to be a text`);
}

/** Undefined when the event does not have the member, or has it empty. */
function pairs(event: Record<string, unknown>, member: string): Pair[] | undefined {
  const map = event[member] ?? {};
  if (!isRecord(map)) throw new TypeError(`expected ${member} to be an object`);
  const found = Object.entries(map).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((each): Pair => {
      if (typeof each !== 'string') throw new TypeError(`expected ${member}.${name} to be a text`);
      return [name, each];
    }),
  );
  return found.length === 0 ? undefined : found;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
