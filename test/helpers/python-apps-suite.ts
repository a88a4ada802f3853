import {setTimeout} from 'node:timers/promises';
import type {ExecutionContext} from 'ava';
import {type Bridge, type BridgeOptions, runOf} from './bridge.ts';
import {bothWays, hopOf, type Python, startPython} from './python-suite.ts';

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

const asgi = String.raw`import asyncio, json
said = []
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        said.append((await receive())["type"])
        scope["state"]["from"] = "lifespan"
        await send({"type": "lifespan.startup.complete"})
        print((await receive())["type"])
        await send({"type": "lifespan.shutdown.complete"})
        return
    path = scope["path"]
    def start(status=200, *headers):
        return send({"type": "http.response.start", "status": status, "headers": headers})
    def body(data, more=False):
        return send({"type": "http.response.body", "body": data, "more_body": more})
    if path == "/scope":
        message = await receive()
        seen = dict((name, value.decode("ascii") if isinstance(value, bytes) else value) for name, value in scope.items())
        seen["headers"] = [[name.decode("ascii"), value.decode("utf-8")] for name, value in scope["headers"]]
        seen["invocationId"] = seen.pop("core.context")["invocationId"]
        del seen["core.event"]
        await start(201, (b"content-type", b"application/json"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"))
        return await body(json.dumps([seen, message["body"].decode("utf-8"), message["more_body"], said]).encode("ascii"))
    if path == "/bytes":
        await start(200, (b"content-type", b"image/x"), (b"content-length", b"2"))
        await body(b"\xff", True)
        await body(b"\x00", True)
        return await body(b"")
    if path == "/behind":
        await start()
        await body(b"answered")
        if (await receive(), await receive())[1]["type"] == "http.disconnect":
            print("behind")
        raise ValueError("behind the reply")
    if path == "/twice":
        await start()
        await start()
    if path == "/early":
        await body(b"x")
    if path == "/nothing":
        return
    if path == "/fails":
        await start(200, (b"content-type", b"text/plain"))
        await body(b"a", True)
        raise ValueError("no luck")
    if path == "/endless":
        await start(200, (b"content-type", b"text/plain"))
        try:
            while True:
                await body(b"x" * 65536, True)
        finally:
            print("closed")
    if path == "/waits":
        await start(200, (b"content-type", b"text/plain"))
        await body(b"first", True)
        await receive()
        print((await receive())["type"])
        await asyncio.sleep(60)
    raise KeyError(path)
`;

const event = {
  httpMethod: 'PUT',
  path: '/environ',
  headers: {Host: 'example.com:8080', 'Content-Type': 'text/plain', 'X-A': '1,é'},
  multiValueHeaders: {Host: ['example.com:8080'], 'Content-Type': ['text/plain'], 'X-A': ['1', 'é'], X_A: ['spoofed']},
  queryStringParameters: {q: 'b c', é: '&'},
  multiValueQueryStringParameters: {q: ['a', 'b c'], é: ['&']},
  requestContext: {identity: {sourceIp: '192.0.2.7'}},
  body: 'héllo',
  isBase64Encoded: false,
};
const query = 'q=a&q=b+c&%C3%A9=%26';

/** Applications that speak WSGI or ASGI, called with events. */
export function pythonAppsSuite(python: Python): void {
  const {title, isThree} = python;
  const start = (t: ExecutionContext, text: string, more: Partial<BridgeOptions> = {}) =>
    startPython(t, python, text, {name: 'app', ...more});

  // A handler is never taken for an application, nor the other way round.

  const handlers: Record<string, string> = {
    'two parameters of any name': 'def app(environ, response):\n    return "handler"\n',
    'a third one': 'def app(event, context, receive=None):\n    return "handler"\n',
    'any number': 'def app(*args):\n    return "handler"\n',
    'an object': 'class App(object):\n    def __call__(self, event, context):\n        return "handler"\napp = App()\n',
    'a method': 'class App(object):\n    def go(self, event, context):\n        return "handler"\napp = App().go\n',
    'a class':
      'def app(event, context, Type=type("T", (object,), {"__init__": lambda self, scope, receive, send: None})):\n    return "handler"\n',
  };
  for (const [kind, text] of Object.entries(handlers)) {
    bothWays(`${title}: a handler with ${kind} stays a handler`, async t => {
      t.is((await (await start(t, text)).call(event)).text, '"handler"');
    });
  }

  bothWays(`${title}: what an application is can be said, and a wrong word is a handler that is not loaded`, async t => {
    const text = 'def app(*args):\n    args[1]("200 OK", [("Content-Type", "text/plain")])\n    return [b"wsgi"]\n';
    const said = await start(t, text, {env: {CORE_PYTHON_APP: 'wsgi'}});
    t.is(bodyOf((await said.call(event)).text), 'wsgi');
    const handler = await start(t, 'def app(event, start_response):\n    return "handler"\n', {env: {CORE_PYTHON_APP: 'handler'}});
    t.is((await handler.call(event)).text, '"handler"');
    const wrong = await start(t, text, {env: {CORE_PYTHON_APP: 'wscgi'}});
    t.like(wrong.records[0], {
      loaded: false,
      error: "ValueError: CORE_PYTHON_APP is auto, handler, wsgi or, with Python 3, asgi; got 'wscgi'",
    });
  });

  // WSGI

  const callWsgi = async (t: ExecutionContext, path: string) => (await start(t, wsgi)).call({...event, path});

  bothWays(`${title}: WSGI: an application that breaks the rules, or raises, is a 500, and the next call is served`, async t => {
    const b = await start(t, wsgi);
    t.like(await b.call({...event, path: '/none'}), {status: 500, text: 'The application did not call start_response'});
    t.like(await b.call({...event, path: '/twice'}), {status: 500, text: 'start_response was called before, and there is no exc_info'});
    t.like(await b.call({...event, path: '/unknown'}), {status: 500, text: "'/unknown'"});
    t.like(await b.call({...event, path: '/fails'}), {status: 500, text: 'no luck'});
    t.is(bodyOf((await b.call({...event, path: '/late'})).text), 'late');
  });

  bothWays(`${title}: WSGI: an environ has all of the request`, async t => {
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

  bothWays(`${title}: WSGI: bytes, write(), a late start_response and a replaced one`, async t => {
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

  bothWays(`${title}: WSGI: what an application makes is closed, also when nobody wants it any more`, async t => {
    const b = await start(t, wsgi);
    await b.call({...event, path: '/bytes'});
    await printed(b, 'closed', 1);
    await leave(t, b, '/endless');
    await printed(b, 'closed', 2);
  });

  if (!isThree) return;

  // ASGI

  bothWays(`${title}: ASGI: an application that breaks the rules, or raises, is a 500, and the next call is served`, async t => {
    const b = await start(t, asgi);
    t.like(await b.call({...event, path: '/nothing'}), {status: 500, text: 'The application ended before its response'});
    t.like(await b.call({...event, path: '/twice'}), {status: 500, text: 'http.response.start has no place here in a response'});
    t.like(await b.call({...event, path: '/early'}), {status: 500, text: 'http.response.body has no place here in a response'});
    t.like(await b.call({...event, path: '/unknown'}), {status: 500, text: "'/unknown'"});
    t.like(await b.call({...event, path: '/fails'}), {status: 500, text: 'no luck'});
    t.is(JSON.parse((await b.call({...event, path: '/bytes'})).text).body, '/wA=');
  });

  const refusals: Record<string, [text: string, error: string]> = {
    'says that it cannot start': [
      'await send({"type": "lifespan.startup.failed", "message": "Traceback\\nValueError: no luck"})',
      'RuntimeError: ValueError: no luck',
    ],
    'says so and raises': ['await send({"type": "lifespan.startup.failed"})\n    raise ValueError("no luck")', 'ValueError: no luck'],
  };
  for (const [kind, [text, error]] of Object.entries(refusals)) {
    bothWays(`${title}: ASGI: an application that ${kind} is not loaded`, async t => {
      const b = await start(t, `async def app(scope, receive, send):\n    ${text}\n`);
      t.like(b.records[0], {loaded: false, error});
      t.regex((await b.call({})).text, /^Function Handler does not exist/);
    });
  }

  bothWays(`${title}: ASGI: an application that knows no lifespan is served, whatever it does with it`, async t => {
    const answer =
      'await send({"type": "http.response.start", "status": 200, "headers": []})\n    await send({"type": "http.response.body", "body": b"x"})\n';
    for (const first of ['assert scope["type"] == "http"', 'if scope["type"] != "http": return', 'pass']) {
      const b = await start(t, `async def app(scope, receive, send):\n    ${first}\n    ${answer}`);
      t.is(bodyOf((await b.call({})).text), 'x', first);
    }
  });

  bothWays(`${title}: ASGI: a scope has all of the request, and what the lifespan left`, async t => {
    const b = await start(t, asgi);
    const reply = JSON.parse((await b.call({...event, path: '/scope'}, {invocationId: 'i'})).text);
    t.like(reply, {statusCode: 201, headers: {'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2']}});
    t.deepEqual(JSON.parse(bodyOf(JSON.stringify(reply))), [
      {
        type: 'http',
        asgi: {version: '3.0', spec_version: '2.3'},
        http_version: '1.1',
        method: 'PUT',
        scheme: 'http',
        path: '/scope',
        raw_path: '/scope',
        query_string: query,
        root_path: '',
        headers: [
          ['host', 'example.com:8080'],
          ['content-type', 'text/plain'],
          ['x-a', '1'],
          ['x-a', 'é'],
          ['x_a', 'spoofed'],
        ],
        client: ['192.0.2.7', 0],
        server: ['example.com', 8080],
        state: {from: 'lifespan'},
        invocationId: 'i',
      },
      'héllo',
      false,
      ['lifespan.startup'],
    ]);
  });

  bothWays(`${title}: ASGI: an object or a plain function that passes it on is one, too`, async t => {
    const answers =
      'async def answer(scope, receive, send):\n    await send({"type": "http.response.start", "status": 200})\n    await send({"type": "http.response.body", "body": b"x"})\n';
    for (const text of [
      'class App:\n    async def __call__(self, scope, receive, send):\n        await answer(scope, receive, send)\napp = App()\n',
      'def app(scope, receive, send):\n    return answer(scope, receive, send)\n',
      'import functools\n@functools.wraps(answer)\ndef app(*args):\n    return answer(*args)\n',
    ])
      t.is(bodyOf((await (await start(t, answers + text)).call({})).text), 'x', text);
  });

  bothWays(`${title}: ASGI: an application goes on behind its reply, and shuts down after that`, async t => {
    const b = await start(t, asgi);
    t.is(bodyOf((await b.call({...event, path: '/behind'}, {invocationId: 'i'})).text), 'answered');
    await printed(b, 'behind', 1);
    await printed(b, 'ValueError: behind the reply', 1);
    b.letGo();
    b.child.kill('SIGTERM');
    t.is(await b.exited, 0);
    t.regex(b.output.stdout, /lifespan\.shutdown/);
  });

  bothWays(`${title}: ASGI: an application hears that the caller left, and is cancelled if it goes on`, async t => {
    const b = await start(t, asgi);
    await leave(t, b, '/endless');
    await printed(b, 'closed', 1);
    if (hopOf(t) === 'http') return; // nothing leaves before all was made
    const call = b.calls?.begin(runOf({...event, path: '/waits'}));
    while (!call?.hasBody) await setTimeout(5);
    b.calls?.cancel(call);
    await call.outcome;
    await printed(b, 'http.disconnect', 1);
    t.is(JSON.parse((await b.call({...event, path: '/bytes'})).text).body, '/wA=');
  });
}

/** Leaves a call in the middle of its endless body; over HTTP it ends by its size. */
async function leave(t: ExecutionContext, b: Bridge, path: string): Promise<void> {
  if (!b.calls) {
    t.regex((await b.call({...event, path})).text, /cannot be gathered/);
    return;
  }
  const call = b.calls.begin(runOf({...event, path}), {credit: 'none'});
  while (call.received < call.allowed) await setTimeout(5);
  b.calls.cancel(call);
  t.not((await call.outcome).kind, 'failed');
}

const printed = (b: Bridge, line: string, times: number) => b.until(() => b.logs.filter(each => each.line === line).length === times);

/** The body of a reply, whether it left as text or as bytes. */
function bodyOf(json: string): string {
  const {body, isBase64Encoded} = JSON.parse(json);
  return isBase64Encoded ? Buffer.from(body, 'base64').toString() : body;
}
