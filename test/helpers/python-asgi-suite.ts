import {setTimeout} from 'node:timers/promises';
import type {ExecutionContext} from 'ava';
import {runOf} from './bridge.ts';
import {bodyOf, event, leave, printed, query, startApp} from './python-app-calls.ts';
import {checkOf, hopOf, type Python} from './python-suite.ts';

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

/** Applications that speak ASGI, called with events. */
export function pythonAsgiSuite(python: Python): void {
  const check = checkOf(python);
  const start = (t: ExecutionContext, text: string) => startApp(t, python, text);
  check(`ASGI: an application that breaks the rules, or raises, is a 500, and the next call is served`, async t => {
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
    check(`ASGI: an application that ${kind} is not loaded`, async t => {
      const b = await start(t, `async def app(scope, receive, send):\n    ${text}\n`);
      t.like(b.records[0], {loaded: false, error});
      t.regex((await b.call({})).text, /^Function Handler does not exist/);
    });
  }

  check(`ASGI: an application that knows no lifespan is served, whatever it does with it`, async t => {
    const answer =
      'await send({"type": "http.response.start", "status": 200, "headers": []})\n    await send({"type": "http.response.body", "body": b"x"})\n';
    for (const first of ['assert scope["type"] == "http"', 'if scope["type"] != "http": return', 'pass']) {
      const b = await start(t, `async def app(scope, receive, send):\n    ${first}\n    ${answer}`);
      t.is(bodyOf((await b.call({})).text), 'x', first);
    }
  });

  check(`ASGI: a scope has all of the request, and what the lifespan left`, async t => {
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

  check(`ASGI: an object or a plain function that passes it on is one, too`, async t => {
    const answers =
      'async def answer(scope, receive, send):\n    await send({"type": "http.response.start", "status": 200})\n    await send({"type": "http.response.body", "body": b"x"})\n';
    for (const text of [
      'class App:\n    async def __call__(self, scope, receive, send):\n        await answer(scope, receive, send)\napp = App()\n',
      'def app(scope, receive, send):\n    return answer(scope, receive, send)\n',
      'import functools\n@functools.wraps(answer)\ndef app(*args):\n    return answer(*args)\n',
    ])
      t.is(bodyOf((await (await start(t, answers + text)).call({})).text), 'x', text);
  });

  check(`ASGI: an application goes on behind its reply, and shuts down after that`, async t => {
    const b = await start(t, asgi);
    t.is(bodyOf((await b.call({...event, path: '/behind'}, {invocationId: 'i'})).text), 'answered');
    await printed(b, 'behind', 1);
    await printed(b, 'ValueError: behind the reply', 1);
    b.letGo();
    b.child.kill('SIGTERM');
    t.is(await b.exited, 0);
    t.regex(b.output.stdout, /lifespan\.shutdown/);
  });

  check(`ASGI: an application hears that the caller left, and is cancelled if it goes on`, async t => {
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
