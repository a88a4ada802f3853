/** A request as a strict reader of RFC 9112 understands it. */
export interface StrictRequest {
  readonly method: string;
  readonly target: string;
  readonly body: string;
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
// Two freedoms of Node's parser change no framing: several spaces around the target, any line ends before a request.
const requestLine = new RegExp(`^(${token}) +([\\x21-\\x7e]+) +HTTP/1\\.([01])$`);
const fieldLine = new RegExp(`^(${token}):[\\t ]*([\\t\\x20-\\x7e\\x80-\\xff]*)$`);
const chunkLine = /^([0-9A-Fa-f]{1,15})(;[\t\x20-\x7e\x80-\xff]*)?$/;

/** The whole requests at the start of these bytes (Latin-1 text), up to the first that is cut or not to the letter. */
export function readRequests(bytes: string): StrictRequest[] {
  const requests: StrictRequest[] = [];
  let at = 0;
  for (;;) {
    while (bytes[at] === '\r' || bytes[at] === '\n') at++;
    const headEnd = bytes.indexOf('\r\n\r\n', at);
    if (headEnd === -1) return requests;
    const [first = '', ...lines] = bytes.slice(at, headEnd).split('\r\n');
    const [, method = '', target = '', minor] = requestLine.exec(first) ?? [];
    const fields = lines.map(line => fieldLine.exec(line));
    if (minor === undefined || fields.includes(null)) return requests;
    const valuesOf = (name: string) => fields.filter(field => field?.[1]?.toLowerCase() === name).map(field => field?.[2]?.trim() ?? '');
    const body = readBody(bytes, headEnd + 4, valuesOf('content-length'), valuesOf('transfer-encoding'));
    if (!body) return requests;
    requests.push({method, target, body: body.text});
    at = body.end;
  }
}

function readBody(bytes: string, start: number, lengths: string[], codings: string[]): {text: string; end: number} | undefined {
  if (codings.length === 0) {
    if (lengths.length === 0) return {text: '', end: start};
    const [length = ''] = lengths;
    const end = start + Number(length);
    if (lengths.length > 1 || !/^\d+$/.test(length) || end > bytes.length) return undefined;
    return {text: bytes.slice(start, end), end};
  }
  if (lengths.length > 0 || codings.length > 1 || codings[0]?.toLowerCase() !== 'chunked') return undefined;
  return readChunks(bytes, start);
}

function readChunks(bytes: string, start: number): {text: string; end: number} | undefined {
  let text = '';
  let at = start;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    const [, digits] = (lineEnd === -1 ? undefined : chunkLine.exec(bytes.slice(at, lineEnd))) ?? [];
    if (digits === undefined) return undefined;
    const size = Number.parseInt(digits, 16);
    at = lineEnd + 2;
    if (size === 0) return endOfTrailers(bytes, at, text);
    if (bytes.slice(at + size, at + size + 2) !== '\r\n') return undefined;
    text += bytes.slice(at, at + size);
    at += size + 2;
  }
}

function endOfTrailers(bytes: string, start: number, text: string): {text: string; end: number} | undefined {
  let at = start;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    if (lineEnd === at) return {text, end: at + 2};
    if (!fieldLine.test(bytes.slice(at, lineEnd))) return undefined;
    at = lineEnd + 2;
  }
}
