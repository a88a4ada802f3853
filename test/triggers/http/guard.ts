import type {IncomingMessage} from 'node:http';
import test from 'ava';
import {guardHead, mostFields, parserFault} from '../../../triggers/http/guard.ts';

/** As much of a request as the guard looks at. */
const guard = (rawHeaders: string[], httpVersion = '1.1') => guardHead({rawHeaders, httpVersion, method: 'GET'} as IncomingMessage);
const host = ['Host', 'a.example'];

const refused: [title: string, rawHeaders: string[], message: RegExp, httpVersion?: string][] = [
  ['no Host', ['Accept', '*/*'], /Host is missing/],
  ['two Hosts', [...host, 'HOST', 'b.example'], /Host is given twice/],
  ['two equal Hosts', [...host, ...host], /Host is given twice/],
  ['two Hosts in HTTP/1.0', [...host, ...host], /Host is given twice/, '1.0'],
  ...['a b', 'a/b', 'user@a', 'a?', 'a#b', 'a:b', 'a:80:80', '[::1', '::1', '[a]b', '<a>', 'a\\b', 'bücher', 'a, b'].map(
    (value): [string, string[], RegExp] => [`the Host ${value}`, ['Host', value], /Host is not a host and port/],
  ),
  ['such a Host in HTTP/1.0', ['Host', 'a b'], /Host is not a host and port/, '1.0'],
  ['two lengths', [...host, 'Content-Length', '1', 'content-length', '1'], /Content-Length is given twice/],
  ['two codings', [...host, 'Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked'], /Transfer-Encoding is given twice/],
  ['a coding and a length', [...host, 'Transfer-Encoding', 'chunked', 'Content-Length', '5'], /both given/],
  ['a length and a coding', [...host, 'Content-Length', '5', 'transfer-encoding', 'chunked'], /both given/],
  ['gzip', [...host, 'Transfer-Encoding', 'gzip'], /the only Transfer-Encoding served is chunked/],
  ['gzip, chunked', [...host, 'Transfer-Encoding', 'gzip, chunked'], /the only Transfer-Encoding served is chunked/],
  ['chunked, chunked', [...host, 'Transfer-Encoding', 'chunked, chunked'], /the only Transfer-Encoding served is chunked/],
  ['chunked, identity', [...host, 'Transfer-Encoding', 'chunked, identity'], /the only Transfer-Encoding served is chunked/],
  ['identity', [...host, 'Transfer-Encoding', 'identity'], /the only Transfer-Encoding served is chunked/],
  ['an empty coding', [...host, 'Transfer-Encoding', ''], /the only Transfer-Encoding served is chunked/],
  ['xchunked', [...host, 'Transfer-Encoding', 'xchunked'], /the only Transfer-Encoding served is chunked/],
  ['a quoted coding', [...host, 'Transfer-Encoding', '"chunked"'], /the only Transfer-Encoding served is chunked/],
  ['a coding with a vertical tab', [...host, 'Transfer-Encoding', '\x0bchunked'], /the only Transfer-Encoding served is chunked/],
  ['a coding in HTTP/1.0', [...host, 'Transfer-Encoding', 'chunked'], /HTTP\/1.0 knows no Transfer-Encoding/, '1.0'],
];

for (const [title, rawHeaders, message, httpVersion] of refused) {
  test(`a head with ${title} is malformed`, t => {
    const fault = guard(rawHeaders, httpVersion);
    t.is(fault?.code, 'REQUEST_MALFORMED');
    t.regex(fault?.message ?? '', message);
    t.regex(fault?.message ?? '', /^Bad request: [^\n]+$/);
  });
}

test('a version other than 1.0 and 1.1 is not spoken', t => {
  for (const version of ['0.9', '1.2', '2.0', '3.0', '', '1']) t.is(guard(host, version)?.code, 'VERSION_UNSUPPORTED', version);
});

test('more than 2,000 fields are too many', t => {
  const fields = (count: number) => [...host, ...Array.from({length: count - 1}, (_, index) => [`x-${index}`, '']).flat()];
  t.is(guard(fields(mostFields + 1))?.code, 'HEAD_TOO_LARGE');
  t.is(guard(fields(mostFields)), undefined);
});

const passed: [title: string, rawHeaders: string[], httpVersion?: string][] = [
  ['one Host', host],
  ['an empty Host', ['Host', '']],
  ...['a.example:8080', 'A_b-c.example.', '127.0.0.1:1', '[::1]:8080', '[fe80::1%25eth0]', 'a:', 'xn--bcher-kva.example', 'a%20b'].map(
    (value): [string, string[]] => [`the Host ${value}`, ['Host', value]],
  ),
  ['one length', [...host, 'Content-Length', '5']],
  ['chunks', [...host, 'Transfer-Encoding', 'chunked']],
  ['chunks in capitals', [...host, 'TRANSFER-ENCODING', 'Chunked']],
  ['no Host in HTTP/1.0', ['Accept', '*/*'], '1.0'],
  ['a Host in HTTP/1.0', host, '1.0'],
  [
    'names that are as long as the guarded ones',
    [...host, 'Date', 'x', 'DATE', 'y', 'Accept-Charset', 'a', 'accept-charset', 'b', 'X-Forwarded-Proto', 'c'],
  ],
];

for (const [title, rawHeaders, httpVersion] of passed) {
  test(`a head with ${title} passes`, t => t.is(guard(rawHeaders, httpVersion), undefined));
}

test('each error of the parser has its fault', t => {
  const told = (code: string, reason?: string) => {
    const fault = parserFault(Object.assign(new Error('x'), {code}, reason !== undefined && {reason}));
    return [fault?.code, fault?.message];
  };
  t.deepEqual(told('ERR_HTTP_REQUEST_TIMEOUT')[0], 'REQUEST_TIMEOUT');
  t.deepEqual(told('HPE_HEADER_OVERFLOW')[0], 'HEAD_TOO_LARGE');
  t.deepEqual(told('HPE_INVALID_VERSION')[0], 'VERSION_UNSUPPORTED');
  t.deepEqual(told('HPE_INVALID_METHOD', 'Invalid method encountered'), ['REQUEST_MALFORMED', 'Bad request: Invalid method encountered']);
  t.deepEqual(told('HPE_INTERNAL'), ['REQUEST_MALFORMED', 'Bad request: this is not HTTP']);
  for (const lost of ['ECONNRESET', 'EPIPE', 'HPE_CLOSED_CONNECTION', '']) t.deepEqual(told(lost), [undefined, undefined], lost);
});
