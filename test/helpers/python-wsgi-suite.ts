import type {ExecutionContext} from 'ava';
import {bodyOf, event, leave, printed, query, startApp} from './python-app-calls.ts';
import {checkOf, type Python} from './python-suite.ts';

const wsgi = String.raw`import json, sys
closed = []
class Pieces(object):
    def __init__(self, pieces):
        self.pieces = iter(pieces)
    def __iter__(self):
        return self
    def __next__(self):
        return next(self.pieces)
    next = __next__
    def close(self):
        print("closed")
def endless():
    while True:
        yield b"x" * 65536
def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/environ":
        start_response("201 Created", [("Content-Type", "application/json"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
        seen = dict((name, value) for name, value in environ.items() if isinstance(value, (type(""), type(u""))))
        return [json.dumps([seen, environ["wsgi.input"].read().decode("utf-8"), environ["core.context"]["invocationId"]]).encode("ascii")]
    if path == "/bytes":
        start_response("200 OK", [("Content-Type", "image/x"), ("Content-Length", "2")])
        return Pieces([b"\xff", b"", b"\x00"])
    if path == "/write":
        write = start_response("200 OK", [("Content-Type", "text/plain")])
        write(b"written, ")
        return [b"returned"]
    if path == "/late":
        def late():
            start_response("202 Accepted", [("Content-Type", "text/plain")])
            yield b"late"
        return late()
    if path == "/replaced":
        start_response("200 OK", [])
        try:
            raise ValueError("inner")
        except ValueError:
            start_response("503 Unavailable", [("Content-Type", "text/plain")], sys.exc_info())
        return [b"replaced"]
    if path == "/twice":
        start_response("200 OK", [])
        start_response("200 OK", [])
    if path == "/fails":
        start_response("200 OK", [("Content-Type", "text/plain")])
        def fails():
            yield b"a"
            raise ValueError("no luck")
        return fails()
    if path == "/none":
        return []
    if path == "/endless":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return Pieces(endless())
    raise KeyError(path)
`;

/** Applications that speak WSGI, called with events. */
export function pythonWsgiSuite(python: Python): void {
  const check = checkOf(python);
  const {isThree} = python;
  const start = (t: ExecutionContext, text: string) => startApp(t, python, text);
  const callWsgi = async (t: ExecutionContext, path: string) => (await start(t, wsgi)).call({...event, path});

  check(`WSGI: an application that breaks the rules, or raises, is a 500, and the next call is served`, async t => {
    const b = await start(t, wsgi);
    t.like(await b.call({...event, path: '/none'}), {status: 500, text: 'The application did not call start_response'});
    t.like(await b.call({...event, path: '/twice'}), {status: 500, text: 'start_response was called before, and there is no exc_info'});
    t.like(await b.call({...event, path: '/unknown'}), {status: 500, text: "'/unknown'"});
    t.like(await b.call({...event, path: '/fails'}), {status: 500, text: 'no luck'});
    t.is(bodyOf((await b.call({...event, path: '/late'})).text), 'late');
  });

  check(`WSGI: an environ has all of the request`, async t => {
    const b = await start(t, wsgi);
    const reply = JSON.parse((await b.call(event, {invocationId: 'i'})).text);
    t.like(reply, {statusCode: 201, headers: {'Content-Type': 'application/json', 'Set-Cookie': ['a=1', 'b=2']}});
    const [environ, body, id] = JSON.parse(bodyOf(JSON.stringify(reply)));
    t.like(environ, {
      REQUEST_METHOD: 'PUT',
      SCRIPT_NAME: '',
      PATH_INFO: '/environ',
      QUERY_STRING: query,
      CONTENT_TYPE: 'text/plain',
      CONTENT_LENGTH: '6',
      SERVER_NAME: 'example.com',
      SERVER_PORT: '8080',
      SERVER_PROTOCOL: 'HTTP/1.1',
      REMOTE_ADDR: '192.0.2.7',
      HTTP_HOST: 'example.com:8080',
      'wsgi.url_scheme': 'http',
    });
    t.is(Buffer.from(environ.HTTP_X_A, isThree ? 'latin1' : 'utf8').toString(), '1,é');
    t.deepEqual([body, id], ['héllo', 'i']);
    const bare = JSON.parse(
      (await b.call({path: '/environ', multiValueHeaders: {'X-Forwarded-Proto': ['https'], Host: ['[::1]']}}, {invocationId: 'i'})).text,
    );
    t.like(JSON.parse(bodyOf(JSON.stringify(bare)))[0], {
      REQUEST_METHOD: 'POST',
      'wsgi.url_scheme': 'https',
      SERVER_NAME: '[::1]',
      SERVER_PORT: '443',
      QUERY_STRING: '',
    });
  });

  check(`WSGI: bytes, write(), a late start_response and a replaced one`, async t => {
    t.deepEqual(JSON.parse((await callWsgi(t, '/bytes')).text), {
      statusCode: 200,
      headers: {'Content-Type': 'image/x', 'Content-Length': '2'},
      body: '/wA=',
      isBase64Encoded: true,
    });
    t.is(bodyOf((await callWsgi(t, '/write')).text), 'written, returned');
    t.like(JSON.parse((await callWsgi(t, '/late')).text), {statusCode: 202});
    const replaced = (await callWsgi(t, '/replaced')).text;
    t.like(JSON.parse(replaced), {statusCode: 503});
    t.is(bodyOf(replaced), 'replaced');
  });

  check(`WSGI: what an application makes is closed, also when nobody wants it any more`, async t => {
    const b = await start(t, wsgi);
    await b.call({...event, path: '/bytes'});
    await printed(b, 'closed', 1);
    await leave(t, b, '/endless');
    await printed(b, 'closed', 2);
  });
}
