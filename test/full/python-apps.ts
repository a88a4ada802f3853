import {spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {projectFile, startCore} from '../helpers/core.ts';
import {folderWith} from '../helpers/folder.ts';
import {ask} from '../helpers/request.ts';

/* Applications of frameworks, as they are. The packages are kept between runs, outside of the project. */

const packages = path.join(os.tmpdir(), 'core-runtime-python-apps');

function isThere(): boolean {
  if (existsSync(path.join(packages, 'whole'))) return true;
  const args = [
    'install',
    '--quiet',
    '--upgrade',
    '--target',
    packages,
    'flask==3.1.3',
    '-r',
    projectFile('examples/16-fastapi/requirements.txt'),
  ];
  if (spawnSync('python3', ['-m', 'pip', ...args]).status !== 0) return false;
  return spawnSync('touch', [path.join(packages, 'whole')]).status === 0;
}

const check = isThere() ? test : test.skip;
const serve = (t: ExecutionContext, file: string, more: Record<string, string> = {}) =>
  startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: file, SCW_HANDLER_NAME: 'app', PYTHONPATH: packages, ...more}, t);
const json = {'Content-Type': 'application/json'};

check('16-fastapi validates, answers, streams, and shuts down', async t => {
  const core = await serve(t, projectFile('examples/16-fastapi/app.py'));
  const wrong = await ask(`${core.url}/items/2`, {method: 'PUT', headers: json, body: '{"name": 1}'});
  t.is(wrong.status, 422);
  t.like(wrong.json().detail[0], {loc: ['body', 'name']});
  t.like((await ask(`${core.url}/items/3`)).json(), {detail: 'no such item'});
  t.is((await ask(`${core.url}/nowhere`)).status, 404);
  t.is((await ask(core.url, {method: 'DELETE'})).status, 405);
  t.deepEqual((await ask(`${core.url}/?name=Ada+%C3%A9`)).json(), {message: 'Hello, Ada é!'});
  const put = await ask(`${core.url}/items/2`, {method: 'PUT', headers: json, body: '{"name": "A chair", "price": 40}'});
  t.is(put.status, 201);
  t.deepEqual((await ask(`${core.url}/items/2`)).json(), {name: 'A chair', price: 40});
  const ticks = await ask(`${core.url}/ticks?count=2`);
  t.is(ticks.text(), 'data: 0\n\ndata: 1\n\n');
  t.regex((await ask(`${core.url}/docs`)).text(), /swagger/i);
  t.is(await core.stop(), 0);
  t.true(core.logs.some(({msg}) => msg === 'shut down'));
});

check('Starlette: middleware, background tasks, plain streams, uploads, and errors that are logged', async t => {
  const folder = await folderWith(t, {
    'app.py': `
import time
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, StreamingResponse
from starlette.routing import Mount, Route

class Stamp(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        response = await call_next(request)
        response.headers["X-Stamp"] = "yes"
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return response

def later():
    time.sleep(0.1)
    print("behind the reply")

async def home(request):
    return PlainTextResponse("home", background=BackgroundTask(later))

async def upload(request):
    body = await request.body()
    return PlainTextResponse(f"{len(body)} {body[:1]!r} {request.client.host}")

def plain():
    for each in range(3):
        yield str(each)
        time.sleep(0.01)

async def fails(request):
    raise ValueError("no luck")

app = Starlette(
    routes=[
        Route("/", home),
        Route("/upload", upload, methods=["POST"]),
        Route("/stream", lambda request: StreamingResponse(plain())),
        Route("/file", lambda request: FileResponse(__file__)),
        Route("/away", lambda request: RedirectResponse("/")),
        Route("/fails", fails),
    ],
    middleware=[Middleware(Stamp)],
)
`,
  });
  const core = await serve(t, path.join(folder, 'app.py'));
  const failed = await ask(`${core.url}/fails`);
  t.deepEqual([failed.status, failed.text()], [500, 'Internal Server Error']);
  await core.logged(({level, msg}) => level === 'error' && /no luck/.test(msg));
  const home = await ask(core.url);
  t.like(home, {status: 200});
  t.is(home.text(), 'home');
  t.deepEqual(home.headers.get('x-stamp'), ['yes']);
  t.is(home.headers.get('set-cookie')?.length, 2);
  await core.logged(({msg}) => msg === 'behind the reply');
  const bytes = Buffer.alloc(2_000_000, 0xff);
  t.is((await ask(`${core.url}/upload`, {method: 'POST', body: bytes})).text(), "2000000 b'\\xff' 127.0.0.1");
  t.is((await ask(`${core.url}/stream`)).text(), '012');
  t.regex((await ask(`${core.url}/file`)).text(), /BaseHTTPMiddleware/);
  t.is((await ask(`${core.url}/file`, {method: 'HEAD'})).text(), '');
  t.like(await ask(`${core.url}/away`), {status: 307});
  t.is(await core.stop(), 0);
});

check('Flask: routes, forms, cookies, streams with their context, errors, and an event of another trigger', async t => {
  const folder = await folderWith(t, {
    'app.py': `
from flask import Flask, Response, jsonify, redirect, request, send_file, session, stream_with_context
app = Flask(__name__)
app.secret_key = "x"

@app.get("/")
def home():
    return jsonify(name=request.args.get("name"), all=request.args.getlist("name"), url=request.url, ip=request.remote_addr)

@app.post("/")
def event():
    print("body", request.get_data(as_text=True), request.environ["core.event"]["requestContext"]["eventType"])
    return "", 204

@app.post("/form")
def form():
    session["name"] = request.form["name"]
    return redirect("/name")

@app.get("/name")
def name():
    return session.get("name", "nobody")

@app.get("/stream")
def stream():
    def pieces():
        try:
            for each in range(int(request.args["count"])):
                yield f"{each}\\n"
        finally:
            print("closed")
    return Response(stream_with_context(pieces()), mimetype="text/event-stream")

@app.get("/file")
def file():
    return send_file(__file__)

@app.get("/fails")
def fails():
    raise ValueError("no luck")
`,
  });
  const core = await serve(t, path.join(folder, 'app.py'));
  t.is((await ask(`${core.url}/fails`)).status, 500);
  t.is((await ask(`${core.url}/nowhere`)).status, 404);
  t.deepEqual((await ask(`${core.url}/?name=a&name=b+c`)).json(), {
    name: 'a',
    all: ['a', 'b c'],
    url: `${core.url}/?name=a&name=b+c`,
    ip: '127.0.0.1',
  });
  const form = {'Content-Type': 'application/x-www-form-urlencoded'};
  const posted = await ask(`${core.url}/form`, {method: 'POST', headers: form, body: 'name=Ada'});
  t.like(posted, {status: 302});
  const cookie = String(posted.headers.get('set-cookie')).split(';')[0] ?? '';
  t.is((await ask(`${core.url}/name`, {headers: {Cookie: cookie}})).text(), 'Ada');
  t.is((await ask(`${core.url}/stream?count=3`)).text(), '0\n1\n2\n');
  await core.logged(({msg}) => msg === 'closed');
  t.regex((await ask(`${core.url}/file`)).text(), /send_file/);
  const head = await ask(`${core.url}/name`, {method: 'HEAD'});
  t.deepEqual(head.headers.get('content-length'), ['6']);
  t.is((await ask(core.url, {method: 'POST', headers: {SCW_TRIGGER_TYPE: 'cron'}, body: '{"a": 1}'})).text(), 'executed properly');
  await core.logged(({msg}) => msg === 'body {"a": 1} cron');
  t.is(await core.stop(), 0);
});
