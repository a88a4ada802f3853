import {chunked, edgeSuite, get, host, next, post, refused, served, smuggled} from '../helpers/edge-suite.ts';

edgeSuite([
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
]);
