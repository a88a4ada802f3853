import {createHash} from 'node:crypto';
import type {Fields} from '../../src/delivery.ts';
import {Fault} from '../../src/errors.ts';

/** What names an event: no two of a source have the same id, except where one is sent again. */
export interface EventName {
  readonly id: string;
  readonly source: string;
}

/** The fault of a sender: one line that says what is wrong, and with which event of a batch. */
export const invalid = (problem: string, where = 'The CloudEvent') => new Fault('REQUEST_MALFORMED', {message: `${where}: ${problem}`});

/** Reads the name of an event whose attributes are headers (binary mode). @throws Fault REQUEST_MALFORMED for what is no event */
export function nameInFields(fields: Fields): EventName {
  const [version, id, source, type] = ['specversion', 'id', 'source', 'type'].map(name => decoded(fields.get(`ce-${name}`), name));
  return checkRequired({specversion: version, id, source, type});
}

/** @throws Fault REQUEST_MALFORMED that names what is missing */
export function checkRequired(attributes: Readonly<Record<string, unknown>>, where?: string): EventName {
  const {specversion, id, source, type} = attributes;
  if (typeof specversion !== 'string' || !/^1\.\d+$/.test(specversion)) throw invalid('expected `specversion` to be 1.0', where);
  if (typeof id !== 'string' || id === '') throw invalid('expected `id` to be a text', where);
  if (typeof source !== 'string' || source === '') throw invalid('expected `source` to be a text', where);
  if (typeof type !== 'string' || type === '') throw invalid('expected `type` to be a text', where);
  return {id, source};
}

/** The value of an attribute as a header has it: in ASCII, all else percent-encoded, as the HTTP binding says (§3.1.3.2). */
export function encoded(value: string): string {
  return value.toWellFormed().replaceAll(/[^!#$&-~]+/g, encodeURIComponent);
}

/** Older senders quote a text in place of encoding it. */
function decoded(given: string, name: string): string {
  const text = /^".*"$/s.test(given) ? given.slice(1, -1).replaceAll(/\\(.)/gs, '$1') : given;
  try {
    return text.replaceAll(/(?:%[0-9a-f]{2})+/gi, decodeURIComponent);
  } catch {
    throw invalid(`expected \`ce-${name}\` to be percent-encoded UTF-8`);
  }
}

/** The same for the same event whenever it is sent. */
export function keyOf({id, source}: EventName): string {
  return `cloudevent-${createHash('sha256').update(`${source.length}:${source}${id}`).digest('hex')}`;
}
