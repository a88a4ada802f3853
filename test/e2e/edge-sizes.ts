import {chunked, edgeSuite, get, host, post, refused, served} from '../helpers/edge-suite.ts';

edgeSuite([
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
]);
