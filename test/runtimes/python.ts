import {mkdir, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import type {ExecutionContext} from 'ava';
import {replyOf} from '../../src/conform/channel/call.ts';
import {type Bridge, type BridgeOptions, functionFile, startBridge} from '../helpers/bridge.ts';
import {bridgeSuite} from '../helpers/bridge-suite.ts';
import {bothWays, hopOf} from '../helpers/python-suite.ts';

const bridge = fileURLToPath(new URL('../../runtimes/python/bridge.py', import.meta.url));
const handlers = fileURLToPath(new URL('../fixtures/functions/python/handlers', import.meta.url));

for (const hop of ['http', 'channel'] as const) {
  bridgeSuite({
    title: 'python',
    binary: 'python3',
    bridge,
    handlers,
    extension: 'py',
    brokenText: 'def handle(event, context)\n',
    tags: true,
    hop,
  });
}

function start(t: ExecutionContext, file: string, more: Partial<BridgeOptions> = {}): Promise<Bridge> {
  return startBridge(t, {binary: 'python3', bridge, path: file, hop: hopOf(t), ...more});
}

async function startText(t: ExecutionContext, text: string, more: Partial<BridgeOptions> = {}): Promise<Bridge> {
  return start(t, await functionFile(t, 'handler.py', text), more);
}

const soon = () => ({deadlineMs: Date.now() + 300, invocationId: 'late'});

// Errors

const failures: Record<string, [statement: string, text: string]> = {
  'an exception without a message': ['raise KeyError()', 'KeyError'],
  'sys.exit()': ['raise SystemExit(3)', '3'],
  'a number that JSON does not have': [
    'return {"body": float("nan")}',
    'The result of the function is not JSON: Out of range float values are not JSON compliant',
  ],
  'an object of a class': ['return object()', 'The result of the function is not JSON: Object of type object is not JSON serializable'],
};

for (const [kind, [statement, text]] of Object.entries(failures)) {
  for (const keyword of ['def', 'async def']) {
    bothWays(`python: ${kind} in ${keyword} is a 500, and the next call is served`, async t => {
      const b = await startText(t, `${keyword} handle(event, context):\n    ${statement}\n`);
      for (let i = 0; i < 2; i++) {
        const reply = await b.call({});
        t.is(reply.status, 500);
        t.true(reply.text.startsWith(text), reply.text);
      }
    });
  }
}

bothWays('python: a module that ends the program while it loads is reported', async t => {
  const b = await startText(t, 'import sys\nsys.exit("not today")\n');
  t.like(b.records[0], {loaded: false, error: 'SystemExit: not today'});
});

bothWays('python: an async handler is cancelled at the deadline', async t => {
  const b = await startText(
    t,
    `import asyncio
async def handle(event, context):
    try:
        await asyncio.sleep(60)
    finally:
        print("cancelled")
`,
  );
  t.like(await b.call({}, soon()), {status: 500, text: 'Function timed out'});
  await b.until(() => b.logs.some(log => log.line === 'cancelled' && log.invocationId === 'late'));
});

bothWays('python: a plain function may return a coroutine; it too ends at the deadline', async t => {
  const b = await startText(
    t,
    `import asyncio
async def run(event):
    await asyncio.sleep(event)
    return "done"
handle = lambda event, context: run(event)
`,
  );
  t.is((await b.call(0.01)).text, '"done"');
  t.like(await b.call(60, soon()), {status: 500, text: 'Function timed out'});
});

bothWays('python: the stack of a failure has the id of its call, at the deadline too', async t => {
  const b = await startText(
    t,
    `import asyncio
async def handle(event, context):
    if event == "fails":
        raise ValueError("no luck")
    if event == "returns":
        return object()
    await asyncio.sleep(60)
`,
  );
  for (const event of ['fails', 'returns', 'hangs']) await b.call(event, {invocationId: event, deadlineMs: Date.now() + 1000});
  const said = (id: string, text: string) => b.logs.some(log => log.invocationId === id && log.line.includes(text));
  await b.until(() => said('hangs', 'Function timed out'));
  t.true(said('fails', 'ValueError: no luck') && said('returns', 'is not JSON'));
  t.is(b.output.stderr, '');
});

bothWays('python: a line printed after the reply stays one line', async t => {
  const b = await startText(
    t,
    `import asyncio, sys
async def late():
    await asyncio.sleep(0.05)
    print("one")
    print("two")
    sys.stdout.write("tail")
async def handle(event, context):
    asyncio.ensure_future(late())
`,
  );
  await b.call({}, {invocationId: 'i'});
  await b.until(() => b.logs.some(log => log.line === 'tail'));
  t.deepEqual(
    b.logs.map(log => [log.invocationId, log.line]),
    ['one', 'two', 'tail'].map(line => ['i', line]),
  );
});

// Results

bothWays('python: numbers of any length and half surrogates leave unchanged', async t => {
  const b = await startText(t, 'def handle(event, context):\n    return [event, 10 ** 30, 1.0, u"\\ud800", u"ž"]\n');
  const json = '{"event": 123456789012345678901234567890}';
  const text = b.calls
    ? replyOf(await b.calls.begin({form: 0, json: Buffer.from(json), body: Buffer.alloc(0)}).outcome).body.toString()
    : (await b.send({body: json})).text;
  t.is(text, '[123456789012345678901234567890,1000000000000000000000000000000,1.0,"\\ud800","\\u017e"]');
});

bothWays('python: the event stays a dict: any case finds a header, JSON and copies show Title-Case', async t => {
  const b = await startText(
    t,
    `def handle(event, context):
    headers = event["headers"]
    copy = headers.copy()
    copy["x-id"] = "8"
    copy.setdefault("X-OTHER", "9")
    gone = copy.pop("x-other")
    try:
        headers["absent"]
    except KeyError as error:
        missing = str(error)
    return [isinstance(headers, dict), headers["X-ID"], "x-ID" in headers, headers.get("no", 0), copy, gone, missing, context.functionName, hasattr(context, "absent")]
`,
  );
  const reply = await b.call({headers: {'X-Id': '7'}}, {functionName: 'f'});
  t.is(reply.text, `[true,"7",true,0,{"X-Id":"8"},"9","'absent'","f",false]`);
});

// Modules

bothWays('python: dependencies come from package/, neighbours from the folder, and the file is not run as a program', async t => {
  const file = await functionFile(
    t,
    'json.py', // a name of the standard library
    `import sys
import dependency
import neighbour
def handle(event, context):
    return [dependency.word, neighbour.word, __name__, sys.modules["json"].handle is handle, sys.argv[1:]]
if __name__ == "__main__":
    raise SystemExit("run as a program")
`,
  );
  const folder = path.dirname(file);
  await mkdir(path.join(folder, 'package'));
  await writeFile(path.join(folder, 'package/dependency.py'), 'word = "dependency"\n');
  await writeFile(path.join(folder, 'neighbour.py'), 'word = "neighbour"\n');
  for (const given of [file, file.replace('.py', '')]) {
    const b = await start(t, given);
    t.is((await b.call({})).text, '["dependency","neighbour","json",true,[]]');
  }
});

bothWays('python: a handler in a package may import relatively', async t => {
  const file = await functionFile(t, 'neighbour.py', 'word = "x"\n');
  const folder = path.join(path.dirname(file), 'function');
  await mkdir(folder);
  await writeFile(path.join(folder, '__init__.py'), '');
  await writeFile(path.join(folder, 'word.py'), 'word = "x"\n');
  await writeFile(path.join(folder, 'handler.py'), 'from .word import word\ndef handle(event, context):\n    return word\n');
  const b = await start(t, path.join(folder, 'handler'));
  t.is((await b.call({})).text, '"x"');
});

// Concurrency

const meet = `import threading
both = threading.Barrier(2)
def handle(event, context):
    try:
        both.wait(0.5)
        return "met"
    except threading.BrokenBarrierError:
        both.reset()
        return "alone"
`;

bothWays('python: plain handlers run one at a time, or as many as CORE_CONCURRENCY says', async t => {
  const one = await startText(t, meet);
  t.deepEqual(
    (await Promise.all([one.call(1), one.call(2)])).map(reply => reply.text),
    ['"alone"', '"alone"'],
  );
  const two = await startText(t, meet, {env: {CORE_CONCURRENCY: '2'}});
  t.deepEqual(
    (await Promise.all([two.call(1), two.call(2)])).map(reply => reply.text),
    ['"met"', '"met"'],
  );
});

bothWays('python: async handlers run together, and what they print is tagged', async t => {
  const b = await startText(
    t,
    `import asyncio, logging
logging.basicConfig(level=logging.INFO, format="%(message)s")
both = asyncio.Event()
arrived = []
async def handle(event, context):
    arrived.append(event)
    print("half of", end=" ")
    if len(arrived) == 2:
        both.set()
    await both.wait()
    print(event)
    await asyncio.ensure_future(asyncio.sleep(0))
    logging.info("log of %s", event)
    return event
`,
  );
  await Promise.all(['a', 'b'].map(id => b.call(id, {invocationId: id})));
  await b.until(() => b.logs.length === 4);
  t.deepEqual(b.logs.map(({invocationId, stream, line}) => `${invocationId} ${stream} ${line}`).sort(), [
    'a stderr log of a',
    'a stdout half of a',
    'b stderr log of b',
    'b stdout half of b',
  ]);
});

bothWays('python: SIGTERM lets an async call finish and exits 0, even if threads are left', async t => {
  const b = await startText(
    t,
    `import asyncio, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
async def handle(event, context):
    print("running")
    await asyncio.sleep(0.2)
    return "done"
`,
  );
  const reply = b.call({}, {});
  await b.until(() => b.logs.length === 1);
  b.child.kill('SIGTERM');
  t.is((await reply).text, '"done"');
  t.is(await b.exited, 0);
});

bothWays('python: an OpenTelemetry API that the function has loaded sees the trace of the caller', async t => {
  for (const keyword of ['def', 'async def']) {
    const file = await functionFile(
      t,
      'handler.py',
      `import opentelemetry.context\n${keyword} handle(event, context):\n    return opentelemetry.context.active\n`,
    );
    const api = path.join(path.dirname(file), 'package/opentelemetry');
    await mkdir(api, {recursive: true});
    await writeFile(path.join(api, '__init__.py'), '');
    await writeFile(path.join(api, 'propagate.py'), 'def extract(carrier):\n    return carrier.get("traceparent")\n');
    await writeFile(
      path.join(api, 'context.py'),
      `active = None
def attach(context):
    global active
    active = context
def detach(token):
    pass
`,
    );
    const b = await start(t, file);
    t.is((await b.call({}, {trace: {traceparent: '00-1-2-01'}})).text, '"00-1-2-01"', keyword);
  }
});
