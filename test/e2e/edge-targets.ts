import {edgeSuite, host, refused, served, smuggled} from '../helpers/edge-suite.ts';

edgeSuite([
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
  refused('UTF-8 that is not escaped', `GET @/\xc3\xa9 HTTP/1.1\r\n${host}\r\n`),
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
]);
