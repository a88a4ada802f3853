import test from 'ava';
import {projectFile, type RunningCore, startCore} from '../helpers/core.ts';
import {Wire} from '../helpers/wire.ts';

/*
Requests as an adversary sends them, byte for byte. Each has a path of its own, on which its runs are counted: a refusal
means that nothing ran, neither then nor later.
*/

let core: RunningCore;

test.before(async () => {
  core = await startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/counting')});
});
test.after.always(() => core?.stop());

interface Case {
  readonly title: string;
  /** Text stands for its bytes in Latin-1; an @ for the case's own path. A list is sent in parts, a pause between them. */
  readonly send: string | readonly (string | Buffer)[];
  /** The statuses of every answer, in order. */
  readonly gets: readonly number[];
  readonly runs: number;
  /** Whether the last answer ends the connection. */
  readonly closes: boolean;
  readonly methods?: readonly string[];
  /** Is in the body of the last answer, or fits it. */
  readonly says?: RegExp;
  readonly code?: string;
}

const host = 'Host: a.example\r\n';
const next = `GET @/next HTTP/1.1\r\n${host}\r\n`;
const smuggled = `GET @/smuggled HTTP/1.1\r\n${host}\r\n`;
const post = (fields: string, body = '') => `POST @ HTTP/1.1\r\n${host}${fields}\r\n${body}`;
const get = (fields: string) => `GET @ HTTP/1.1\r\n${host}${fields}\r\n`;
const chunked = (body: string) => post('Transfer-Encoding: chunked\r\n', body);

const refused = (title: string, send: Case['send'], status = 400, more: Partial<Case> = {}): Case => ({
  title,
  send,
  gets: [status],
  runs: 0,
  closes: true,
  ...more,
});
const served = (title: string, send: Case['send'], more: Partial<Case> = {}): Case => ({
  title,
  send,
  gets: [200],
  runs: 1,
  closes: false,
  ...more,
});
const malformed = 'REQUEST_MALFORMED';

const framing: Case[] = [
  ...[
    'Content-Length: 6\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nContent-Length: 6',
    'Content-Length: 0\r\nTransfer-Encoding: chunked',
    'Content-Length: 6\r\nTransfer-Encoding: identity',
    'Content-Length: 6\r\nTransfer-Encoding:',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
    'Transfer-Encoding: chunked\r\nTransfer-encoding: cow',
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: chunked, gzip',
    'Transfer-Encoding: chunked, chunked',
    'Transfer-Encoding: chunked, identity',
    'Transfer-Encoding: identity',
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding: chunkedx',
    'Transfer-Encoding: chunked;q=1',
    'Transfer-Encoding: "chunked"',
    'Transfer-Encoding: \x0bchunked',
    'Transfer-Encoding:\x0cchunked',
    'Transfer-Encoding: chun\tked',
    'Transfer-Encoding: ,chunked',
    'Transfer-Encoding: chunked,',
    'Transfer-Encoding: \xa0chunked',
    'Transfer-Encoding : chunked',
    ' Transfer-Encoding: chunked',
    'X: y\r\n Transfer-Encoding: chunked',
    'Transfer-Encoding\t: chunked',
    'Transfer\x00-Encoding: chunked',
    'Content-Length: 6\r\n Transfer-Encoding: chunked',
  ].map(fields => refused(`framed by ${JSON.stringify(fields)}`, post(`${fields}\r\n`, `0\r\n\r\n${smuggled}`))),
  ...[
    '6\r\nContent-Length: 6',
    '6\r\nContent-Length: 5',
    '5\r\ncontent-length: 6',
    '6, 6',
    '6,5',
    '+6',
    '-6',
    '-0',
    '0x6',
    '6.0',
    '6e0',
    '6 ',
    '6 6',
    ' ',
    '',
    'six',
    '6;',
    '"6"',
    '٦',
    '18446744073709551615',
    '18446744073709551616',
    '18446744073709551622',
    '99999999999999999999999999',
    '6\x00',
    '\x0b6',
  ]
    .filter(length => length !== '6 ' && length !== '18446744073709551615')
    .map(length =>
      refused(`a length of ${JSON.stringify(length)}`, [
        Buffer.from(`POST @ HTTP/1.1\r\n${host}Content-Length: `, 'latin1'),
        Buffer.from(length, 'utf8'),
        `\r\n\r\n123456${smuggled}`,
      ]),
    ),
  refused('the largest length that fits in 64 bits', post('Content-Length: 18446744073709551615\r\n', '123456'), 413),
  refused('a length with a space before its colon', post('Content-Length : 6\r\n', `123456${smuggled}`)),
  served('a length with space after it', post('Content-Length: 6 \t\r\n', '123456')),
  served('a length with zeros before it', post('Content-Length: 0006\r\n', '123456')),
  served('a length named with an underscore is none', `${get('Content_Length: 6\r\n')}${next}`, {gets: [200, 200], runs: 2}),
  served('a coding in capitals', post('TRANSFER-ENCODING: CHUNKED\r\n', '3\r\nabc\r\n0\r\n\r\n')),
  refused('a coding in HTTP/1.0', `POST @ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`, 400, {code: malformed}),
  refused('two Hosts', `GET @ HTTP/1.1\r\n${host}Host: b.example\r\n\r\n${smuggled}`),
  refused('two Hosts in HTTP/1.0', `GET @ HTTP/1.0\r\n${host}${host}\r\n`),
  refused('no Host', `GET @ HTTP/1.1\r\n\r\n${smuggled}`, 400, {says: /Host is missing/}),
];

const lines: Case[] = [
  refused('a folded field', get('X: a\r\n b\r\n')),
  refused('a folded field by tab', get('X: a\r\n\tb\r\n')),
  refused('a first field that is folded', `GET @ HTTP/1.1\r\n X: a\r\n${host}\r\n`),
  refused('a bare LF after the request line', `GET @ HTTP/1.1\n${host}\r\n`),
  refused('a bare LF after a field', get('X: a\n')),
  refused('bare LFs everywhere', 'GET @ HTTP/1.1\nHost: a\n\n'),
  refused('a bare CR in a value', get('X: a\rb\r\n')),
  refused('a bare CR at a line’s end', get('X: a\rY: b\r\n')),
  refused('CR CR LF', get('X: a\r\r\n')),
  refused('NUL in a value', get('X: a\x00b\r\n')),
  refused('NUL in a name', get('X\x00Y: a\r\n')),
  refused('NUL in the target', `GET @/a\x00b HTTP/1.1\r\n${host}\r\n`),
  refused('NUL before the request', `\x00GET @ HTTP/1.1\r\n${host}\r\n`),
  refused('a control character in a value', get('X: a\x01b\r\n')),
  refused('DEL in a value', get('X: a\x7fb\r\n')),
  refused('a space before a colon', get('X : a\r\n')),
  refused('a name with a space', get('X Y: a\r\n')),
  refused('a name with a parenthesis', get('X(: a\r\n')),
  refused('a name beyond ASCII', get('X\xe9: a\r\n')),
  refused('no name', get(': a\r\n')),
  refused('no colon', get('X\r\n')),
  refused('a lone LF in the middle of the end', `GET @ HTTP/1.1\r\n${host}\n${smuggled}`),
  served('two spaces in the request line', `GET  @ HTTP/1.1\r\n${host}\r\n`),
  refused('a tab in the request line', `GET\t@ HTTP/1.1\r\n${host}\r\n`),
  refused('a space within the target', `GET @/a b HTTP/1.1\r\n${host}\r\n`),
  refused('no target', `GET HTTP/1.1\r\n${host}\r\n`),
  refused('no version', `GET @\r\n${host}\r\n`, 505),
  refused('a version in lower case', `GET @ http/1.1\r\n${host}\r\n`),
  refused('a version with spaces', `GET @ HTTP / 1.1\r\n${host}\r\n`),
  refused('a version with zeros', `GET @ HTTP/01.1\r\n${host}\r\n`, 505),
  refused('another protocol', `SOURCE @ ICE/1.0\r\n${host}\r\n`),
  refused('RTSP', `DESCRIBE @ RTSP/1.0\r\n${host}\r\n`),
  refused('HTTP/0.9 by number', `GET @ HTTP/0.9\r\n${host}\r\n`, 505),
  refused('HTTP/1.2', `GET @ HTTP/1.2\r\n${host}\r\n`, 505),
  refused('HTTP/2.0', `GET @ HTTP/2.0\r\n${host}\r\n`, 505),
  refused('HTTP/2 with prior knowledge', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505),
  refused('HTTP/3.0', `GET @ HTTP/3.0\r\n${host}\r\n`, 505),
  refused('a method of nobody', `BREW @ HTTP/1.1\r\n${host}\r\n`),
  refused('a method in lower case', `get @ HTTP/1.1\r\n${host}\r\n`),
  refused('a method with a control character', `G\x01T @ HTTP/1.1\r\n${host}\r\n`),
  refused('the first bytes of TLS', Buffer.from('16030100a5010000a10303', 'hex').toString('latin1')),
  served('an empty line before the request', `\r\n\r\n${get('')}`),
  served('a value beyond ASCII', get('X: \xe9\r\n')),
  served('an empty value', get('X:\r\n')),
  served('a value without a space before it', get('X:y\r\n')),
  served('names that prototypes have', get('__proto__: a\r\nconstructor: b\r\ntoString: c\r\nhasOwnProperty: d\r\n')),
];

const chunks: Case[] = [
  ...[
    'g\r\nabc\r\n0\r\n\r\n',
    '0x3\r\nabc\r\n0\r\n\r\n',
    '+3\r\nabc\r\n0\r\n\r\n',
    '-3\r\nabc\r\n0\r\n\r\n',
    ' 3\r\nabc\r\n0\r\n\r\n',
    '3 \r\nabc\r\n0\r\n\r\n',
    '\r\nabc\r\n0\r\n\r\n',
    '3\nabc\r\n0\r\n\r\n',
    '3\rabc\r\n0\r\n\r\n',
    '3\r\nabc\n0\r\n\r\n',
    '3\r\nabcd\r\n0\r\n\r\n',
    '3\r\nabc0\r\n\r\n',
    '3\r\nabc\r\n0\r\nX\r\n\r\n',
    '3\r\nabc\r\n0\r\nX: a\r\n b\r\n\r\n',
    '3\r\nabc\r\n0\r\nX : a\r\n\r\n',
    '3\r\nabc\r\n0\n\n',
    '3;a\nb\r\nabc\r\n0\r\n\r\n',
    '3;a\x00\r\nabc\r\n0\r\n\r\n',
    '3,1\r\nabc\r\n0\r\n\r\n',
    'ffffffffffffffff1\r\nabc\r\n0\r\n\r\n',
    '10000000000000000\r\nabc\r\n0\r\n\r\n',
    `3;${'x'.repeat(20_000)}\r\nabc\r\n0\r\n\r\n`,
  ].map(body => refused(`chunks ${JSON.stringify(body.slice(0, 30))}`, chunked(body + smuggled))),
  served('chunks with extensions', chunked('3;a=b;c="d e";f\r\nabc\r\n0;x\r\n\r\n')),
  served('chunk sizes with zeros and in capitals', post('Transfer-Encoding: chunked\r\n', '0000000A\r\n0123456789\r\n000\r\n\r\n')),
  served(
    'trailers, which reach nobody',
    `POST @?echo=headers HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n3\r\nabc\r\n0\r\nX-T: v\r\nX-Auth-Token: t\r\n\r\n`,
    {
      says: /^(?!.*(X-T|X-Auth-Token|Trailer|Content-Length|Transfer-Encoding)).*$/,
    },
  ),
  served('one byte per chunk', chunked(`${'1\r\nx\r\n'.repeat(2000)}0\r\n\r\n`)),
  served('chunks byte by byte', [...chunked('3\r\nabc\r\n0\r\n\r\n')]),
];

const targets: Case[] = [
  served('an absolute target', `GET http://b.example@?x=1 HTTP/1.1\r\n${host}\r\n`),
  served('an absolute target in capitals', `GET HTTP://b.example:81@ HTTP/1.1\r\n${host}\r\n`),
  refused('an absolute target of another scheme', `GET ftp://b.example@ HTTP/1.1\r\n${host}\r\n`),
  refused('an absolute target without a host', `GET http:///@ HTTP/1.1\r\n${host}\r\n`),
  refused('an authority as target', `GET b.example:80 HTTP/1.1\r\n${host}\r\n`),
  refused('a target that is a word', `GET word HTTP/1.1\r\n${host}\r\n`),
  refused('a target that is only a query', `GET ?x HTTP/1.1\r\n${host}\r\n`),
  refused('a malformed escape', `GET @/%zz HTTP/1.1\r\n${host}\r\n`),
  refused('a cut escape', `GET @/%f HTTP/1.1\r\n${host}\r\n`),
  served('an escaped NUL', `GET @/%00 HTTP/1.1\r\n${host}\r\n`),
  served('bytes that are not UTF-8', `GET @/%ff%fe HTTP/1.1\r\n${host}\r\n`),
  refused('bytes beyond ASCII that are not escaped', `GET @/\xc3\xa9 HTTP/1.1\r\n${host}\r\n`),
  served('dots and slashes', `GET @//..//../etc HTTP/1.1\r\n${host}\r\n`, {says: /^ran$/}),
  served('a malformed escape in the query', `GET @?a=%zz&%=1 HTTP/1.1\r\n${host}\r\n`),
  served(
    '2,000 keys in the query',
    `GET @?echo=keys&${Array.from({length: 1999}, (_, index) => `k${index}=v`).join('&')} HTTP/1.1\r\n${host}\r\n`,
    {
      says: /^4000$/,
    },
  ),
  served(
    '20,000 keys in the query',
    `GET @?echo=keys&${Array.from({length: 19_999}, (_, index) => `k${index}=v`).join('&')} HTTP/1.1\r\n${host}\r\n`,
    {
      says: /^40000$/,
    },
  ),
  served('keys that prototypes have', `GET @?__proto__=1&constructor=2&echo=keys HTTP/1.1\r\n${host}\r\n`, {says: /^\d+$/}),
  served('OPTIONS', `OPTIONS @ HTTP/1.1\r\n${host}\r\n`),
  served('OPTIONS *', `OPTIONS * HTTP/1.1\r\n${host}\r\n`, {runs: 0, says: /^$/}),
  refused('GET *', `GET * HTTP/1.1\r\n${host}\r\n`),
  refused('CONNECT', `CONNECT b.example:80 HTTP/1.1\r\n${host}\r\n`, 405),
  refused('CONNECT with a path', `CONNECT @ HTTP/1.1\r\n${host}\r\n${smuggled}`, 405),
  served('HEAD', `HEAD @ HTTP/1.1\r\n${host}\r\n`, {methods: ['HEAD']}),
  refused('HEAD that is refused', `HEAD @/%zz HTTP/1.1\r\n${host}\r\n`, 400, {methods: ['HEAD']}),
  served('TRACE is the function’s', `TRACE @ HTTP/1.1\r\n${host}\r\n`),
  served('PROPFIND is the function’s', `PROPFIND @ HTTP/1.1\r\n${host}\r\n`),
  served('GET with a body', `GET @?echo=body HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nabc`, {says: /^abc$/}),
  served('DELETE with chunks', `DELETE @?echo=body HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`, {
    says: /^abc$/,
  }),
  served('POST without a body', `POST @ HTTP/1.1\r\n${host}\r\n`),
];

const versions: Case[] = [
  served('HTTP/1.0 without Host', 'GET @ HTTP/1.0\r\n\r\n', {closes: true}),
  served('HTTP/1.0 with Host', `GET @ HTTP/1.0\r\n${host}\r\n`, {closes: true}),
  served('HTTP/1.0 that keeps alive', `GET @ HTTP/1.0\r\n${host}Connection: keep-alive\r\n\r\n`),
  served('HTTP/1.0 with a body', 'POST @?echo=body HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc', {closes: true, says: /^abc$/}),
  served('a request after the last one of HTTP/1.0', `GET @ HTTP/1.0\r\n\r\n${smuggled}`, {closes: true}),
  served('a request after Connection: close', `GET @ HTTP/1.1\r\n${host}Connection: close\r\n\r\n${smuggled}`, {closes: true}),
  served('garbage after Connection: close', `GET @?ms=50 HTTP/1.1\r\n${host}Connection: close\r\n\r\n\x00\x01\x02`, {closes: true}),
  served('an offer of h2c', get('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n')),
  served('an offer of h2c with a body', post('Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n', `abc${smuggled}`), {
    closes: true,
  }),
  served(
    'an offer of WebSocket',
    get('Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAA\r\nSec-WebSocket-Version: 13\r\n'),
  ),
  served('an offer with a request behind it', `${get('Connection: Upgrade\r\nUpgrade: h2c\r\n')}${next}`, {closes: true}),
  served(
    'an offer with half a request behind it',
    [`${get('Connection: Upgrade\r\nUpgrade: h2c\r\n')}POST @ HTTP/1.1\r\n${host}Content-Length: 99\r\n\r\n`, smuggled],
    {closes: true},
  ),
  served('an offer in two packets', [
    get('Connection: Upgrade\r\nUpgrade: h2c\r\n').slice(0, 30),
    get('Connection: Upgrade\r\nUpgrade: h2c\r\n').slice(30),
  ]),
  served(
    'an offer with chunks',
    post('Connection: Upgrade\r\nUpgrade: foo\r\nTransfer-Encoding: chunked\r\n', `3\r\nabc\r\n0\r\n\r\n${smuggled}`),
    {closes: true},
  ),
  served('Expect: 100-continue', post('Expect: 100-continue\r\nContent-Length: 3\r\n', 'abc')),
  served('Expect: 100-Continue, twice', post('Expect: 100-Continue\r\nExpect: 100-continue\r\nContent-Length: 3\r\n', 'abc')),
  served('Expect without a body', get('Expect: 100-continue\r\n')),
  served('Expect without a body, and a request behind it', `${get('Expect: 100-continue\r\n')}${next}`, {gets: [200, 200], runs: 2}),
  served('Expect in HTTP/1.0 is ignored', 'POST @ HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc', {closes: true}),
  served('an unknown Expect in HTTP/1.0 is ignored', 'POST @ HTTP/1.0\r\nExpect: miracles\r\nContent-Length: 3\r\n\r\nabc', {closes: true}),
  refused('an unknown Expect', post('Expect: miracles\r\nContent-Length: 3\r\n', `abc${smuggled}`), 417),
  refused('an Expect with a known part', post('Expect: 100-continue, miracles\r\nContent-Length: 3\r\n', `abc${smuggled}`), 417),
  refused('an Expect that only holds the word', post('Expect: x-100-continue-x\r\nContent-Length: 3\r\n', `abc${smuggled}`), 417),
  refused('Expect with a body over the limit', post('Expect: 100-continue\r\nContent-Length: 7000000\r\n'), 413),
  refused('an unknown trigger with a body that is not all there', post('SCW_TRIGGER_TYPE: pigeon\r\nContent-Length: 9\r\n', 'abc'), 400, {
    code: 'TRIGGER_UNKNOWN',
  }),
];

const lists: Case[] = [
  served('three requests in one packet', `${get('')}${get('')}${get('')}`, {gets: [200, 200, 200], runs: 3}),
  served('slow before fast', `GET @?ms=80 HTTP/1.1\r\n${host}\r\n${next}`, {gets: [200, 200], runs: 2}),
  served('a body before a request', `${post('Content-Length: 3\r\n', 'abc')}${next}`, {gets: [200, 200], runs: 2}),
  served('a HEAD between', `${get('')}HEAD @ HTTP/1.1\r\n${host}\r\n${get('')}`, {
    gets: [200, 200, 200],
    runs: 3,
    methods: ['GET', 'HEAD', 'GET'],
  }),
  refused('a refusal in the middle', `${get('')}GET @ HTTP/1.1\r\n\r\n${smuggled}`, 400, {gets: [200, 400], runs: 1}),
  refused('a refusal after a slow one', `GET @?ms=80 HTTP/1.1\r\n${host}\r\nGET @ HTTP/1.1\r\n\r\n${smuggled}${smuggled}`, 400, {
    gets: [200, 400],
    runs: 1,
  }),
  refused('garbage after a slow one, in parts', [`GET @?ms=150 HTTP/1.1\r\n${host}\r\n`, '\x01\x02', '\x03', smuggled], 400, {
    gets: [200, 400],
    runs: 1,
  }),
  refused('CONNECT after a slow one', `GET @?ms=80 HTTP/1.1\r\n${host}\r\nCONNECT b:80 HTTP/1.1\r\n${host}\r\n${smuggled}`, 405, {
    gets: [200, 405],
    runs: 1,
  }),
  refused('malformed chunks after a slow one', [`GET @?ms=150 HTTP/1.1\r\n${host}\r\n${chunked('zz\r\n')}`, smuggled], 400, {
    gets: [200, 400],
    runs: 1,
  }),
  refused(
    'malformed chunks after a slow one, later',
    [`GET @?ms=150 HTTP/1.1\r\n${host}\r\n${chunked('3\r\nabc\r\n')}`, 'zz\r\n', smuggled],
    400,
    {
      gets: [200, 400],
      runs: 1,
    },
  ),
  refused(
    'a body over the limit after a slow one',
    `GET @?ms=80 HTTP/1.1\r\n${host}\r\n${post('Content-Length: 7000000\r\n', smuggled)}`,
    413,
    {
      gets: [200, 413],
      runs: 1,
    },
  ),
  refused(
    'two framings, and a request behind its chunks',
    `${post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n')}${smuggled}`,
  ),
  refused(
    'an unknown Expect, and a request behind its body',
    `${post('Expect: miracles\r\nContent-Length: 3\r\n', 'abc')}${smuggled}`,
    417,
  ),
  refused('a malformed target, and a request behind it', `GET @/%zz HTTP/1.1\r\n${host}\r\n${smuggled}`),
  refused(
    'a chunked body over the limit, and a request behind it',
    [chunked(`6acfc1\r\n`), Buffer.alloc(7_000_001), `\r\n0\r\n\r\n${smuggled}`],
    413,
  ),
  refused(
    'an unknown Expect behind a request, and one behind its body',
    `${get('')}${post('Expect: miracles\r\nContent-Length: 3\r\n', 'abc')}${smuggled}`,
    417,
    {gets: [200, 417], runs: 1},
  ),
  refused('two Hosts behind a body', `${post('Content-Length: 3\r\n', 'abc')}GET @ HTTP/1.1\r\n${host}${host}\r\n${smuggled}`, 400, {
    gets: [200, 400],
    runs: 1,
  }),
];

const sizes: Case[] = [
  refused('a value past 1 MiB', get(`X: ${'x'.repeat(2 ** 20)}\r\n`), 431),
  refused('a name past 1 MiB', get(`${'x'.repeat(2 ** 20)}: x\r\n`), 431),
  refused('a target past 1 MiB', `GET @/${'x'.repeat(2 ** 20)} HTTP/1.1\r\n${host}\r\n`, 431),
  refused('a head that never ends', get('X: y\r\n'.repeat(300_000)), 431),
  refused('2,001 fields', get('X: y\r\n'.repeat(2000)), 431, {code: 'HEAD_TOO_LARGE'}),
  refused('trailers past 1 MiB', chunked(`0\r\n${'X: y\r\n'.repeat(200_000)}\r\n`), 431),
  served('2,000 fields', get('X: y\r\n'.repeat(1999))),
  served('a value of 512 KiB', get(`X: ${'x'.repeat(2 ** 19)}\r\n`)),
  served('10,000 levels of JSON in', post('Content-Length: 20000\r\n', '['.repeat(10_000) + ']'.repeat(10_000))),
  served('10,000 levels of JSON out', `GET @?echo=deep&levels=10000 HTTP/1.1\r\n${host}\r\n`, {says: /^\[{10000}\]{10000}$/}),
  served('a value of 2,000 levels out', `GET @?echo=nested&levels=2000 HTTP/1.1\r\n${host}\r\n`, {says: /^\[{2000}\]{2000}$/}),
];

const groups = {framing, lines, chunks, targets, versions, lists, sizes};
const cases = Object.values(groups).flat();

for (const [index, {title, send, gets, runs, closes, methods = [], says, code}] of cases.entries()) {
  test(title, async t => {
    const path = `/c${index}`;
    const wire = new Wire(core.url);
    const parts = typeof send === 'string' ? [send] : send;
    for (const [position, part] of parts.entries()) {
      if (position > 0 && parts.length < 10) await new Promise(resolve => setTimeout(resolve, 20));
      await wire.write(Buffer.from(String(typeof part === 'string' ? part : part.toString('latin1')).replaceAll('@', path), 'latin1'));
    }
    const replies = closes ? await wire.rest(methods) : await wire.replies(gets.length, methods);
    t.deepEqual(
      replies.map(({status}) => status),
      gets,
      wire.received.toString('latin1').slice(0, 500),
    );
    const last = replies.at(-1);
    if (last && last.status >= 400) {
      t.is(last.field('connection'), 'close');
      t.regex(last.field('core-error'), code === undefined ? /^[A-Z_]+$/ : new RegExp(`^${code}$`));
      if (methods.at(-1) !== 'HEAD') t.regex(last.body.toString(), /^[^\n]+\n$/);
    }
    if (says) t.regex(last?.body.toString() ?? '', says);
    if (closes) {
      t.is(last?.field('connection'), 'close');
    } else {
      await wire.write(`GET ${path}/again HTTP/1.1\r\n${host}\r\n`);
      const again = await wire.replies(gets.length + 1, methods);
      t.is(again.at(-1)?.body.toString(), 'ran', 'the next request on the same connection');
      wire.destroy();
    }
    const count = await runsOf(path);
    t.is(count, runs + (closes ? 0 : 1));
  });
}

/** On a connection of its own: it also shows that the core serves on. */
async function runsOf(path: string): Promise<number> {
  const wire = new Wire(core.url);
  await wire.write(`GET /runs?of=${path} HTTP/1.1\r\n${host}Connection: close\r\n\r\n`);
  const [reply] = await wire.rest();
  return Number(reply?.body.toString());
}
