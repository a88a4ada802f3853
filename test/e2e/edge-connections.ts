import {edgeSuite, get, host, next, post, refused, served, smuggled} from '../helpers/edge-suite.ts';

edgeSuite([
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
    'an offer whose empty line comes with a request behind it, and that one’s body as a request',
    [
      `GET @ HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: h2c\r\n`,
      `\r\nPOST @/p HTTP/1.1\r\n${host}Content-Length: 60\r\n\r\n`,
      smuggled,
    ],
    {closes: true},
  ),
  served(
    'an offer whose empty line comes with a request behind it',
    [`GET @ HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: h2c\r\n`, `\r\n${next}`],
    {closes: true},
  ),
  served(
    'an offer whose last byte comes with a request behind it',
    [`GET @ HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: h2c\r\n\r`, `\n${next}`],
    {closes: true},
  ),
  served(
    'an offer in a pipeline whose empty line comes with a request behind it',
    [
      `${get('')}GET @ HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: h2c\r\n`,
      `\r\nPOST @/p HTTP/1.1\r\n${host}Content-Length: 60\r\n\r\n`,
      smuggled,
    ],
    {gets: [200, 200], runs: 2, closes: true},
  ),
  served(
    'an offer with chunks',
    post('Connection: Upgrade\r\nUpgrade: foo\r\nTransfer-Encoding: chunked\r\n', `3\r\nabc\r\n0\r\n\r\n${smuggled}`),
    {closes: true},
  ),
  refused('an unknown trigger with a body that is not all there', post('SCW_TRIGGER_TYPE: pigeon\r\nContent-Length: 9\r\n', 'abc'), 400, {
    code: 'TRIGGER_UNKNOWN',
  }),
]);
