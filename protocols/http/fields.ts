import {hopByHop} from '../../src/http/hop-by-hop.ts';

/** Fields that are meant for one hop (RFC 9110 §7.6.1). `Trailer` goes on, as do the trailers that it announces. */
const ofTheHop: ReadonlySet<string> = new Set([...hopByHop].filter(name => name !== 'trailer'));

/** The lengths that their names have: any other name is none of them. */
const lengths = new Set([...ofTheHop].map(({length}) => length));

/** Fields that say something of the call, which only the core can say. The trace is added when the call has its span. */
const ours: ReadonlySet<string> = new Set([
  'core-invocation-id',
  'core-deadline-ms',
  'core-bridge-token',
  'core-event-type',
  'core-event-context',
  'traceparent',
  'tracestate',
]);

/** Fields that say where a request is from: the core adds to what a caller says. */
const origin: ReadonlySet<string> = new Set(['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto']);

/** Whether a server would take a field of a caller for one of the core's: many make the same variable of `_` and `-`. */
export function isOurs(lower: string): boolean {
  if (ours.has(lower)) return true;
  if (!lower.includes('_')) return false;
  const named = lower.replaceAll('_', '-');
  return ours.has(named) || origin.has(named);
}

/** Fields that must not stand behind a body (RFC 9110 §6.5.1), as a receiver may take them for fields of the head. */
const notBehind: ReadonlySet<string> = new Set([
  ...hopByHop,
  'authorization',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'expect',
  'forwarded',
  'host',
  'set-cookie',
  ...origin,
]);

/**
Calls `pass` for each field of a message that goes on.

@param raw name, value, name, value … as received
*/
export function passFields(raw: readonly string[], pass: (name: string, value: string, lower: string) => void): void {
  const listed = listedIn(raw);
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] as string; // the index stays within the list
    const lower = name.toLowerCase();
    if (lengths.has(name.length) && ofTheHop.has(lower)) continue;
    if (!listed?.has(lower)) pass(name, raw[index + 1] as string, lower);
  }
}

/** Fields that stand behind a body, without those that may not. */
export function passTrailers(raw: readonly string[], except: string | undefined): string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const lower = (raw[index] as string).toLowerCase();
    if (!notBehind.has(lower) && !isOurs(lower) && lower !== except) kept.push(raw[index] as string, raw[index + 1] as string);
  }
  return kept;
}

/** The names in Connection, in lower case. Host and the length are meant for the server that answers, whatever it says. */
function listedIn(raw: readonly string[]): Set<string> | undefined {
  let listed: Set<string> | undefined;
  for (let index = 0; index < raw.length; index += 2) {
    if ((raw[index] as string).length !== 10 || (raw[index] as string).toLowerCase() !== 'connection') continue;
    for (const each of (raw[index + 1] as string).split(',')) {
      const name = each.trim().toLowerCase();
      if (name === 'keep-alive' || name === 'close' || name === 'host' || name === 'content-length') continue;
      listed ??= new Set();
      listed.add(name);
    }
  }
  return listed;
}
