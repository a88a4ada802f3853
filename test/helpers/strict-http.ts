/** One answer as it stood on the wire. */
export interface WireReply {
  readonly status: number;
  /** Lower-case name, value; in order. */
  readonly fields: readonly (readonly [string, string])[];
  readonly body: Buffer;
  /** The values of a field, joined with a comma; '' when absent. */
  field(name: string): string;
}

/** Which methods were asked with, in order: an answer to HEAD has no body. Past the list GET is assumed. */
export type Methods = readonly string[];

const statusLine = /^HTTP\/1\.1 ([1-5]\d\d) [\t\x20-\x7e]*$/;
const fieldLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\t\x20-\x7e\x80-\xff]*)$/;

/**
Reads everything that a server sent on one connection, and forgives nothing: RFC 9112 to the letter, lengths that are
exact, no byte in between or after. Interim answers are left out.

@throws Error that says what is wrong and where
*/
export function parseReplies(wire: Buffer, methods: Methods = []): WireReply[] {
  const replies: WireReply[] = [];
  let at = 0;
  while (at < wire.length) {
    const end = wire.indexOf('\r\n\r\n', at);
    if (end === -1) throw new Error(`a head without an end at ${at}: ${preview(wire, at)}`);
    const [first = '', ...lines] = wire.toString('latin1', at, end).split('\r\n');
    const [, digits] = statusLine.exec(first) ?? [];
    if (digits === undefined) throw new Error(`no status line at ${at}: ${JSON.stringify(first.slice(0, 80))}`);
    const status = Number(digits);
    const fields = lines.map(readField);
    at = end + 4;
    if (status < 200) {
      if (status !== 100) throw new Error(`an interim answer that nobody asked for: ${status}`);
      continue;
    }
    const length = bodyLength(status, fields, methods[replies.length] ?? 'GET');
    if (at + length > wire.length) throw new Error(`a body of ${wire.length - at} bytes, announced were ${length}`);
    replies.push(reply(status, fields, wire.subarray(at, at + length)));
    at += length;
  }
  return replies;
}

function readField(line: string): [string, string] {
  const [, name, value] = fieldLine.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new Error(`no header field: ${JSON.stringify(line.slice(0, 80))}`);
  return [name.toLowerCase(), value.trim()];
}

function bodyLength(status: number, fields: readonly (readonly [string, string])[], method: string): number {
  const once = ['content-length', 'content-type', 'connection', 'date', 'core-invocation-id', 'core-error', 'retry-after'];
  for (const name of once) {
    if (fields.filter(([given]) => given === name).length > 1) throw new Error(`${name} stands there twice`);
  }
  if (fields.some(([name]) => name === 'transfer-encoding')) throw new Error('chunks, although every length is known');
  if (!fields.some(([name]) => name === 'core-invocation-id')) throw new Error('no Core-Invocation-Id');
  const declared = fields.find(([name]) => name === 'content-length')?.[1];
  if (status === 204 || status === 304) {
    if (declared !== undefined) throw new Error(`a length with ${status}`);
    return 0;
  }
  if (declared === undefined || !/^(0|[1-9]\d*)$/.test(declared)) throw new Error(`no length: ${declared}`);
  return method === 'HEAD' ? 0 : Number(declared);
}

function reply(status: number, fields: readonly (readonly [string, string])[], body: Buffer): WireReply {
  const field = (name: string) =>
    fields
      .filter(([given]) => given === name)
      .map(([, value]) => value)
      .join(', ');
  return {status, fields, body, field};
}

const preview = (wire: Buffer, at: number) => JSON.stringify(wire.toString('latin1', at, at + 80));
