import test from 'ava';
import {readBy, readByNode} from '../../helpers/read-answers.ts';

/* The reader of answers, beside that of Node on the same bytes. What is no answer for Node is none here. */

const ok = 'HTTP/1.1 200 OK\r\n';
const every = Buffer.from(Array.from({length: 256}, (_, byte) => byte)).toString('latin1');
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`;

/** Both read the same. */
const same: Readonly<Record<string, string>> = {
  'a length': `${ok}Content-Length: 2\r\n\r\nhi`,
  'a length of 0': `${ok}Content-Length: 0\r\n\r\n`,
  'a length with zeros and spaces': `${ok}Content-Length:   002  \r\n\r\nhi`,
  'every byte in a body': `${ok}Content-Length: 256\r\n\r\n${every}`,
  'no length: the end of the connection': `${ok}X: 1\r\n\r\nhello`,
  'no fields': `${ok}\r\nhello`,
  'HTTP/1.0': 'HTTP/1.0 200 OK\r\n\r\nhello',
  'HTTP/1.0 with a length': 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi',
  chunks: `${chunked}1\r\na\r\n3\r\nbcd\r\n0\r\n\r\n`,
  'chunks without content': `${chunked}0\r\n\r\n`,
  'many zeros': `${chunked}0001\r\na\r\n000\r\n\r\n`,
  'sizes in both cases': `${chunked}A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n`,
  extensions: `${chunked}1;a\r\na\r\n1;a=b;c="d e"\r\nb\r\n0;x\r\n\r\n`,
  trailers: `${chunked}1\r\na\r\n0\r\nX-Sum: 1\r\nx-sum:2 \r\n\r\n`,
  'a chunk of CRLF': `${chunked}4\r\n\r\n\r\n\r\n0\r\n\r\n`,
  'nothing by 204': 'HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n',
  'nothing by 204, with a length': 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n',
  'nothing by 304, with a length': 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
  'nothing by 304, with chunks': 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n',
  'no reason': 'HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n',
  'no reason and no space': 'HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n',
  'a reason with bytes': 'HTTP/1.1 404 gr\xfc\xdfe  x\ty\r\nContent-Length: 0\r\n\r\n',
  'a status of its own': 'HTTP/1.1 799 Own\r\nContent-Length: 0\r\n\r\n',
  'repeats, case and order': `${ok}Set-Cookie: a\r\nX-A: 1\r\nset-cookie: b\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n`,
  'empty values': `${ok}A:\r\nB: \t \r\nC: \t c\t d \t\r\nContent-Length: 0\r\n\r\n`,
  'every byte that a name may have': `${ok}!#$%&'*+-.^_\`|~09azAZ: 1\r\nContent-Length: 0\r\n\r\n`,
  'colons in a value': `${ok}A: b: c::\r\nContent-Length: 0\r\n\r\n`,
  'interim answers': `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n${ok}Content-Length: 1\r\n\r\na`,
  'an interim answer with a length': `HTTP/1.1 103 X\r\nContent-Length: 3\r\n\r\n${ok}Content-Length: 1\r\n\r\na`,
  'a switch of protocols': 'HTTP/1.1 101 Now\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhello',
  'a switch of protocols in other words': 'HTTP/1.1 101 Now\r\nconnection: keep-alive, UPGRADE\r\nUPGRADE: x\r\n\r\n',
  '426 that names a protocol': 'HTTP/1.1 426 Upgrade Required\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 2\r\n\r\nhi',
  '200 that names a protocol': `${ok}Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nhi`,
  'cut in a body of known length': `${ok}Content-Length: 3\r\n\r\nhi`,
  'cut in a chunk': `${chunked}5\r\nab`,
  'cut between chunks': `${chunked}2\r\nab\r\n`,
  'cut before the last empty line': `${chunked}2\r\nab\r\n0\r\n`,
  'cut in a trailer': `${chunked}0\r\nA: `,
  'cut in its head': `${ok}Content-Le`,
  'cut in its first line': 'HTTP/1.1 2',
  'nothing at all': '',
  'only interim answers': 'HTTP/1.1 100 Continue\r\n\r\n',
  '2,500 fields': `${ok}${Array.from({length: 2500}, (_, at) => `X-${at}: ${at}\r\n`).join('')}Content-Length: 0\r\n\r\n`,
};

/** No answer, for both. */
const refused: Readonly<Record<string, string>> = {
  'no HTTP': 'hello\r\n\r\n',
  'no HTTP, and no line': 'hello',
  'a request': 'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'another version': 'HTTP/3.0 200 OK\r\nContent-Length: 0\r\n\r\n',
  'another protocol': 'ICY 200 OK\r\n\r\n',
  'a version with more digits': 'HTTP/1.10 200 OK\r\nContent-Length: 0\r\n\r\n',
  'lower case': 'http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'no status': 'HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n',
  'a status of two digits': 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n',
  'a status of four digits': 'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n',
  'two spaces before the status': 'HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n',
  'two lengths': `${ok}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
  'the same length twice': `${ok}Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi`,
  'a list of lengths': `${ok}Content-Length: 2, 2\r\n\r\nhi`,
  'a length with a sign': `${ok}Content-Length: +2\r\n\r\nhi`,
  'a negative length': `${ok}Content-Length: -2\r\n\r\nhi`,
  'a hexadecimal length': `${ok}Content-Length: 0x2\r\n\r\nhi`,
  'a length with a space in it': `${ok}Content-Length: 1 2\r\n\r\nhi`,
  'an empty length': `${ok}Content-Length: \r\n\r\nhi`,
  'a length past all numbers': `${ok}Content-Length: 99999999999999999999999\r\n\r\nhi`,
  'a length and chunks': `${ok}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'chunks and a length': `${ok}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n`,
  'no coding': `${ok}Transfer-Encoding: \r\n\r\nabc`,
  'a folded line': `${ok}A: b\r\n c\r\nContent-Length: 0\r\n\r\n`,
  'a folded line with a tab': `${ok}A: b\r\n\tc\r\nContent-Length: 0\r\n\r\n`,
  'a line that is folded at once': `${ok} A: b\r\nContent-Length: 0\r\n\r\n`,
  'a space before the colon': `${ok}Content-Length : 2\r\n\r\nhi`,
  'no colon': `${ok}Content-Length\r\n\r\nhi`,
  'no name': `${ok}: a\r\n\r\nhi`,
  'NUL in a value': `${ok}A: b\0c\r\nContent-Length: 0\r\n\r\n`,
  'NUL in a name': `${ok}A\0: b\r\nContent-Length: 0\r\n\r\n`,
  'a byte of latin1 in a name': `${ok}\xdc: b\r\nContent-Length: 0\r\n\r\n`,
  'DEL in a value': `${ok}A: b\x7f\r\nContent-Length: 0\r\n\r\n`,
  'a line without CR': `HTTP/1.1 200 OK\nContent-Length: 0\n\n`,
  'one line without CR': `${ok}A: b\nContent-Length: 0\r\n\r\n`,
  'CR alone in a value': `${ok}A: b\rContent-Length: 0\r\n\r\n`,
  'CR alone behind the status': 'HTTP/1.1 200 OK\rX: 1\r\n\r\n',
  'an empty line without CR': `${ok}Content-Length: 0\r\n\n`,
  'a size that is none': `${chunked}g\r\na\r\n0\r\n\r\n`,
  'no size': `${chunked}\r\na\r\n0\r\n\r\n`,
  'a negative size': `${chunked}-1\r\na\r\n0\r\n\r\n`,
  'a size with 0x': `${chunked}0x1\r\na\r\n0\r\n\r\n`,
  'a size past all numbers': `${chunked}fffffffffffffffff\r\na\r\n0\r\n\r\n`,
  'a space before a size': `${chunked} 1\r\na\r\n0\r\n\r\n`,
  'a space behind a size': `${chunked}1 \r\na\r\n0\r\n\r\n`,
  'a size without CR': `${chunked}1\na\r\n0\r\n\r\n`,
  'a chunk that is longer than its size': `${chunked}1\r\nab\r\n0\r\n\r\n`,
  'a chunk without CR behind it': `${chunked}1\r\na\n0\r\n\r\n`,
  'a chunk with nothing behind it': `${chunked}1\r\na0\r\n\r\n`,
  'an extension with NUL': `${chunked}1;a\0\r\na\r\n0\r\n\r\n`,
  'an extension with LF': `${chunked}1;a\nb\r\na\r\n0\r\n\r\n`,
  'extensions without end': `${chunked}1;${'a'.repeat(20_000)}\r\na\r\n0\r\n\r\n`,
  'a trailer without colon': `${chunked}0\r\nA\r\n\r\n`,
  'a folded trailer': `${chunked}0\r\nA: b\r\n c\r\n\r\n`,
  'a trailer without CR': `${chunked}0\r\nA: b\n\r\n`,
  'a head past 1 MiB': `${ok}${`A: ${'a'.repeat(60_000)}\r\n`.repeat(20)}\r\n`,
};

/** Node reads them, as far as it is known; here they are no answers. */
const refusedHereOnly: Readonly<Record<string, string>> = {
  'a status below 100': 'HTTP/1.1 099 X\r\nContent-Length: 1\r\n\r\na',
  'HTTP/2.0 in the words of 1.1': 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/0.9': 'HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n',
  'an empty line before it': `\r\n${ok}Content-Length: 0\r\n\r\n`,
  'a control character in the reason': 'HTTP/1.1 200 O\x01K\r\nContent-Length: 1\r\n\r\na',
  '101 without an upgrade': 'HTTP/1.1 101 Now\r\nA: b\r\n\r\n',
  'another coding': `${ok}Transfer-Encoding: gzip\r\n\r\nabc`,
  'another coding before chunks': `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n`,
  'chunks, said twice': `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n`,
};

for (const [name, bytes] of Object.entries(same)) {
  for (const method of ['GET', 'HEAD']) {
    test(`is read as Node reads it, in any packets: ${method}, ${name}`, async t => {
      const {verdict} = readBy(bytes, method);
      t.deepEqual(verdict, await readByNode(bytes, method));
      for (const at of cutsOf(bytes)) t.deepEqual(readBy(bytes, method, [at]).verdict, verdict, `cut at ${at}`);
      if (bytes.length < 1000) t.deepEqual(readBy(bytes, method, [...bytes].map((_, at) => at).slice(1)).verdict, verdict);
    });
  }
}

for (const [name, bytes] of Object.entries(refused)) {
  test(`is no answer, in any packets: ${name}`, async t => {
    t.is((await readByNode(bytes, 'GET')).end, 'broken');
    t.is(readBy(bytes, 'GET').verdict.end, 'broken');
    for (const at of cutsOf(bytes)) t.is(readBy(bytes, 'GET', [at]).verdict.end, 'broken', `cut at ${at}`);
  });
}

for (const [name, bytes] of Object.entries(refusedHereOnly)) {
  test(`is no answer here, though Node reads it: ${name}`, async t => {
    t.not((await readByNode(bytes, 'GET')).end, 'broken');
    t.is(readBy(bytes, 'GET').verdict.end, 'broken');
    for (const at of cutsOf(bytes)) t.is(readBy(bytes, 'GET', [at]).verdict.end, 'broken', `cut at ${at}`);
  });
}

/** Every place, or, in long ones, some. */
function cutsOf({length}: string): number[] {
  const step = length < 1000 ? 1 : Math.ceil(length / (length < 100_000 ? 50 : 5));
  return Array.from({length: Math.ceil(length / step)}, (_, at) => at * step).slice(1);
}

for (const [name, bytes, expected] of [
  ['an answer of HTTP/1.1', `${ok}Content-Length: 0\r\n\r\n`, Number.POSITIVE_INFINITY],
  ['one that is the last', `${ok}Connection: close\r\nContent-Length: 0\r\n\r\n`, 0],
  ['one that is the last, among other words', `${ok}Connection: x, CLOSE\r\nContent-Length: 0\r\n\r\n`, 0],
  ['the server says for how long', `${ok}Keep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n`, 4000],
  ['the server says for how long, and it is short', `${ok}keep-alive: max=9, timeout=1\r\nContent-Length: 0\r\n\r\n`, 0],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', 0],
  ['HTTP/1.0 that keeps it', 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n', Number.POSITIVE_INFINITY],
  ['HTTP/1.0 with chunks', 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 0],
  ['chunks', `${chunked}1\r\na\r\n0\r\n\r\n`, Number.POSITIVE_INFINITY],
  ['the end of the connection ends it', `${ok}\r\nhi`, 0],
  ['bytes behind it', `${ok}Content-Length: 1\r\n\r\nab`, 0],
  ['another answer behind it', `${ok}Content-Length: 0\r\n\r\n${ok}Content-Length: 0\r\n\r\n`, 0],
  ['an empty line behind it', `${ok}Content-Length: 0\r\n\r\n\r\n`, 0],
  ['bytes behind chunks', `${chunked}0\r\n\r\nx`, 0],
  ['a body behind 204', 'HTTP/1.1 204 No\r\nContent-Length: 1\r\n\r\na', 0],
] as const) {
  test(`how long a connection may be kept: ${name}`, t => {
    const {verdict, keepMs} = readBy(bytes, 'GET');
    t.is(verdict.end, 'whole');
    t.is(keepMs, expected);
  });
}

test('mutations of answers are never read in two ways, whatever packets they come in', t => {
  let state = 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const seeds = [...Object.values(same), ...Object.values(refused)].filter(({length}) => length > 0 && length < 400);
  const letters = ['\r\n', '\n', '\r', ' ', '\t', ':', '0', '1', 'f', ';', ',', '\0', '\xff', 'chunked', 'Content-Length: 1\r\n'];
  for (let times = 0; times < 4000; times++) {
    let bytes = seeds[random(seeds.length)] ?? '';
    for (let edits = 1 + random(3); edits > 0; edits--) {
      const at = random(bytes.length);
      bytes = bytes.slice(0, at) + (random(3) === 0 ? '' : letters[random(letters.length)]) + bytes.slice(at + random(3));
    }
    const {verdict} = readBy(bytes, 'GET');
    const cut = 1 + random(Math.max(1, bytes.length - 1));
    const parted = readBy(bytes, 'GET', [cut]).verdict;
    t.deepEqual(
      parted.end === 'broken' ? {end: 'broken'} : parted,
      verdict.end === 'broken' ? {end: 'broken'} : verdict,
      JSON.stringify([bytes, cut]),
    );
  }
});
