import {setTimeout} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import {runOf} from './bridge.ts';
import {checkOf, type Python, startPython} from './python-suite.ts';

const before = `import io, os, subprocess, sys, tempfile, time
def pieces():
    yield u"h\\u00e9"
    yield ""
    yield "llo"
def file():
    file = tempfile.TemporaryFile()
    file.write(u"h\\u00e9llo".encode("utf-8"))
    file.seek(0)
    return file
`;

const beforeThree = `${before}import asyncio
async def apieces():
    yield "hé"
    await asyncio.sleep(0)
    yield "llo"
class Cursor:
    def __aiter__(self):
        return apieces()
class Connection:
    def __init__(self):
        self.left = [b"h\\xc3\\xa9", b"llo"]
    def read(self, size):
        return self.left.pop(0) if self.left else b""
`;

const sources: Record<string, string> = {
  'a generator': 'pieces()',
  'a generator expression': '(each for each in [u"h\\u00e9", u"llo"])',
  'a binary file': 'file()',
  'a text stream': 'io.StringIO(u"h\\u00e9llo")',
  'a pipe': 'subprocess.Popen(["printf", r"h\\303\\251llo"], stdout=subprocess.PIPE).stdout',
};

const asyncSources: Record<string, string> = {
  'an async generator': 'apieces()',
  'an async iterable': 'Cursor()',
  'an object that is read': 'Connection()',
};

/** Bodies that are made piece by piece. A caller that wants the reply whole gets it whole. */
export function pythonStreamsSuite(python: Python): void {
  const check = checkOf(python);
  const {title, isThree} = python;
  const all = isThree ? {...sources, ...asyncSources} : sources;
  const keywords = isThree ? ['def', 'async def'] : ['def'];
  const start = (t: ExecutionContext, text: string, more = {}) => startPython(t, python, `${isThree ? beforeThree : before}${text}`, more);

  for (const keyword of keywords) {
    check(`a piece that is neither text nor bytes, or an error before the first piece, is a 500 in ${keyword}`, async t => {
      const b = await start(
        t,
        `def number():
    yield 7
def none():
    yield None
def error():
    raise ValueError("no luck")
    yield 1
def exits():
    sys.exit("not today")
    yield 1
def half():
    yield u"\\ud800"
${keyword} handle(event, context):
    return globals()[event]()
`,
      );
      const wrong = 'A piece of a streamed body must be a text or bytes, not';
      t.like(await b.call('number'), {status: 500, text: `${wrong} int`});
      t.like(await b.call('none'), {status: 500, text: `${wrong} NoneType`});
      t.like(await b.call('error'), {status: 500, text: 'no luck'});
      t.like(await b.call('exits'), {status: 500, text: 'not today'});
      if (isThree) t.regex((await b.call('half')).text, /surrogates not allowed/);
    });

    check(`a file is closed when it was read, and so is a generator that nobody wants any more, in ${keyword}`, async t => {
      const b = await start(
        t,
        `opened = []
def large():
    try:
        while True:
            yield "x" * 1048576
    finally:
        opened.append("closed")
${keyword} handle(event, context):
    if event == "state":
        return [each if isinstance(each, str) else each.closed for each in opened]
    if event == "file":
        opened.append(io.BytesIO(b"x"))
        return opened[-1]
    return large()
`,
      );
      t.is(asText((await b.call('file')).text), 'x');
      if (b.calls) {
        const call = b.calls.begin(runOf('large'), {credit: 'none'});
        while (call.received < call.allowed) await setTimeout(5);
        b.calls.cancel(call);
        await call.outcome;
      } else t.regex((await b.call('large')).text, /^A streamed body of more than 33554432 bytes cannot be gathered$/);
      t.is((await b.call('state')).text, '[true,"closed"]');
    });
  }

  for (const [kind, expression] of Object.entries(all)) {
    check(`${kind} is read, as the result and as the body`, async t => {
      for (const keyword of keywords) {
        const b = await start(
          t,
          `${keyword} handle(event, context):\n    return ${expression} if event == "whole" else {"statusCode": 201, "body": ${expression}}\n`,
        );
        t.is(asText((await b.call('whole')).text), 'héllo', keyword);
        const {statusCode, ...rest} = JSON.parse((await b.call('body')).text);
        t.is(statusCode, 201);
        t.is(asText(JSON.stringify(rest)), 'héllo', keyword);
      }
    });
  }

  check(`a handler may be a generator itself`, async t => {
    const texts = ['def handle(event, context):\n    yield event\n    yield "!"\n'];
    if (isThree) texts.push('async def handle(event, context):\n    yield event\n    await asyncio.sleep(0)\n    yield "!"\n');
    for (const text of texts) t.is(JSON.parse((await (await start(t, text)).call('hello')).text), 'hello!');
  });

  check(`what is printed while pieces are made belongs to the call, and bytes stay bytes`, async t => {
    for (const keyword of keywords) {
      const b = await start(
        t,
        `def made():\n    print("made")\n    yield b"\\xff\\x00"\n${keyword} handle(event, context):\n    return made()\n`,
      );
      t.deepEqual(JSON.parse((await b.call({}, {invocationId: 'i'})).text), {body: '/wA=', isBase64Encoded: true});
      await b.until(() => b.logs.some(({line, invocationId}) => line === 'made' && invocationId === 'i'));
    }
  });

  test.serial(`${title}: a child that is forked between two pieces answers nobody`, async t => {
    t.context = {hop: 'channel'}; // no other thread runs there, whose locks a child would inherit
    const b = await start(
      t,
      `def made():
    yield "a"
    child = os.fork()
    if child == 0:
        yield "child"
    os.waitpid(child, 0)
    yield "b"
def handle(event, context):
    return made()
`,
    );
    for (let i = 0; i < 2; i++) t.is(asText((await b.call({})).text), 'ab');
  });

  if (!isThree) return;

  check(`an async generator is cancelled where it waits when the caller leaves, whoever returned it`, async t => {
    for (const keyword of keywords) {
      const b = await start(
        t,
        `async def waits():
    try:
        yield "a"
        print("waits")
        await asyncio.sleep(60)
    finally:
        print("over")
${keyword} handle(event, context):
    return "next" if event == "next" else waits()
`,
      );
      if (!b.calls) {
        t.pass('its caller cannot leave before all was made');
        return;
      }
      const call = b.calls.begin(runOf('stream'));
      await b.until(() => b.logs.some(({line}) => line === 'waits'));
      b.calls.cancel(call);
      await call.outcome;
      await b.until(() => b.logs.some(({line}) => line === 'over'));
      t.is((await b.call('next')).text, '"next"', keyword);
      t.false(
        b.logs.some(({level}) => level === 'error'),
        'a caller who leaves is no failure',
      );
    }
  });

  check(`calls go on beside a generator that waits, and beside an async one`, async t => {
    const b = await start(
      t,
      `waits = asyncio.Event()
def blocks():
    yield "a"
    while not waits.is_set():
        time.sleep(0.005)
    yield "b"
async def awaits():
    yield "a"
    await waits.wait()
    yield "b"
async def handle(event, context):
    if event == "go":
        waits.set()
        return "gone"
    return {"headers": {"Content-Type": "text/plain"}, "body": blocks() if event == "blocks" else awaits()}
`,
    );
    const waiting = ['blocks', 'awaits', 'blocks'].map(event => b.call(event));
    t.is((await b.call('go')).text, '"gone"');
    for (const reply of waiting) t.is(asText((await reply).text), 'ab');
  });
}

/** The body of a reply, whether it left as text or as bytes. */
function asText(json: string): string {
  const value: unknown = JSON.parse(json);
  if (typeof value === 'string') return value;
  const {body, isBase64Encoded} = value as {body: string; isBase64Encoded?: boolean}; // an envelope
  return isBase64Encoded ? Buffer.from(body, 'base64').toString() : body;
}
