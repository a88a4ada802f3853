import {protocolBroken} from '../../src/hop/fault.ts';

/** What a byte may be: 1 in a name (RFC 9110 §5.6.2), 2 in a value (RFC 9110 §5.5: no control character but a tab). */
const kinds = new Uint8Array(256);
for (let code = 0x20; code < 256; code++) if (code !== 0x7f) kinds[code] = 2;
kinds[0x09] = 2;
for (const character of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") kinds[character.charCodeAt(0)] = 3;

const inName = 1;
const inValue = 2;

const space = 0x20;
const tab = 0x09;

/**
Reads lines of a head, or behind a body.

@param text latin1 text of the bytes. Each line ends in CRLF; nothing else has either of them
@param from where the first line begins
@param to where the last one has ended
@returns name, value, name, value … as received, without the white space around the values
@throws Fault UPSTREAM_PROTOCOL
*/
export function readFields(text: string, from: number, to: number): string[] {
  const fields: string[] = [];
  for (let at = from; at < to; ) {
    const end = text.indexOf('\r\n', at);
    let colon = at;
    while (((kinds[text.charCodeAt(colon)] as number) & inName) !== 0) colon++; // 0xff at most, as it is latin1
    if (colon === at || text[colon] !== ':') throw protocolBroken('a field of its answer has no name that may be one');
    let first = colon + 1;
    let last = end;
    while (first < last && isSpace(text.charCodeAt(first))) first++;
    while (last > first && isSpace(text.charCodeAt(last - 1))) last--;
    if (!isText(text, first, last)) throw protocolBroken('a field of its answer has control characters');
    fields.push(text.slice(at, colon), text.slice(first, last));
    at = end + 2;
  }
  return fields;
}

/** Whether there is no control character but tabs. */
export function isText(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (((kinds[text.charCodeAt(at)] as number) & inValue) === 0) return false;
  return true;
}

const isSpace = (code: number) => code === space || code === tab;
