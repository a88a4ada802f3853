import test from 'ava';
import fc from 'fast-check';
import {projectFile, type RunningCore, startCore} from '../helpers/core.ts';
import {Wire} from '../helpers/wire.ts';

/*
Whatever a sub-runtime sends, its caller gets one well-formed answer, and the connection serves on. The core is real, the
sub-runtime sends the very bytes that the request's body holds.
*/

let core: RunningCore;

const rawSubRuntime = {
  SCW_RUNTIME_BINARY: process.execPath,
  SCW_RUNTIME_BRIDGE: projectFile('test/fixtures/raw-sub-runtime.cjs'),
  SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/mirror'),
};

test.before(async () => {
  core = await startCore({
    SCW_PUBLIC: 'true',
    ...rawSubRuntime,
    CORE_TIMEOUT: '2s',
    CORE_CONCURRENCY: '8',
  });
});
test.after.always(() => core?.stop());

interface Sent {
  readonly reply: Buffer;
  readonly method?: string;
  readonly end?: 'close' | 'reset';
}

/** One connection for all runs of a property: each answer has to leave it as it was. */
class Caller {
  #wire = new Wire(core.url);
  #answered: string[] = [];

  async send({reply, method = 'POST', end}: Sent) {
    const body = reply.toString('base64');
    const target = `/${end ? `?end=${end}` : ''}`;
    this.#answered.push(method);
    await this.#wire.write(`${method} ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    const replies = await this.#wire.replies(this.#answered.length, this.#answered);
    if (replies.length !== this.#answered.length) throw new Error(`${replies.length} answers to ${this.#answered.length} requests`);
    const answer = replies.at(-1);
    if (!answer) throw new Error('no answer');
    if (this.#answered.length === 50) this.renew();
    return answer;
  }

  /** What was read is read again with every answer: a connection is not kept for ever. */
  renew(): void {
    this.#wire.destroy();
    this.#wire = new Wire(core.url);
    this.#answered = [];
  }
}

const ok = (body: string | Buffer, type = 'application/json', status = '200 OK') => {
  const bytes = Buffer.from(body as string); // either of the two
  const fields = type && `Content-Type: ${type}\r\n`;
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status}\r\n${fields}Content-Length: ${bytes.length}\r\n\r\n`), bytes]);
};
const sane = ok('{"statusCode":201,"body":"sane"}');

const odd = fc.oneof(
  fc.jsonValue({maxDepth: 3}),
  fc.constantFrom<unknown>(0, -1, 99, 100, 101, 199, 200, 204, 205, 304, 500, 599, 600, 1e21, '200', '0200', 'x', '', null, true, [], {}),
);
const name = fc.oneof(
  fc.constantFrom(
    'Content-Type',
    'Content-Length',
    'content-length',
    'Transfer-Encoding',
    'Connection',
    'Upgrade',
    'Trailer',
    'Date',
    'Set-Cookie',
    'Core-Invocation-Id',
    'Core-Error',
    'Keep-Alive',
    'a b',
    'a\r\nb',
    '',
    '__proto__',
    'é',
  ),
  fc.string({maxLength: 8}),
);
const value = fc.oneof(
  fc.constantFrom<unknown>('chunked', '5', '0', 'close', 'x\r\nSet-Cookie: y', 'x\ny', 'x\0', 'é', '日本', ' x ', '', null, 5, true),
  fc.string({maxLength: 20, unit: 'binary'}),
  odd,
  fc.array(fc.oneof(fc.string({maxLength: 8}), odd), {maxLength: 3}),
);
const fields = fc.oneof(fc.dictionary(name, value, {maxKeys: 5}), odd);
const envelope = fc.record(
  {statusCode: odd, headers: fields, multiValueHeaders: fields, body: odd, isBase64Encoded: fc.oneof(fc.boolean(), odd)},
  {requiredKeys: []},
);
const method = fc.constantFrom('POST', 'GET', 'HEAD');

/** Reports the seed of a failure. */
async function holds<T>(
  t: {pass(): void; fail(message: string): void},
  given: fc.Arbitrary<T>,
  numRuns: number,
  holdsFor: (value: T) => Promise<void>,
) {
  const details = await fc.check(fc.asyncProperty(given, holdsFor), {numRuns});
  if (details.failed) t.fail(`seed ${details.seed}, path ${details.counterexamplePath}\n${fc.defaultReportMessage(details)}`);
  else t.pass();
}

test('any JSON value is one answer, and the next request is served', async t => {
  const caller = new Caller();
  await holds(t, fc.tuple(fc.oneof(envelope, fc.jsonValue()), method), 400, async ([given, asked]) => {
    const {status} = await caller.send({reply: ok(JSON.stringify(given)), method: asked});
    if (status !== 502 && (status < 200 || status > 599)) throw new Error(`status ${status}`);
    const next = await caller.send({reply: sane});
    if (next.status !== 201 || next.body.toString() !== 'sane') throw new Error(`then ${next.status} ${next.body}`);
  });
});

test('any bytes of any type are one answer, and the next request is served', async t => {
  const caller = new Caller();
  const type = fc.constantFrom('', 'application/json', 'text/html', 'application/octet-stream', 'x');
  const bytes = fc.oneof(fc.uint8Array({maxLength: 300}), fc.string({unit: 'binary'}).map(Buffer.from));
  await holds(t, fc.tuple(bytes, type, method), 300, async ([given, asType, asked]) => {
    await caller.send({reply: ok(Buffer.from(given), asType), method: asked});
    const next = await caller.send({reply: sane});
    if (next.status !== 201) throw new Error(`then ${next.status}`);
  });
});

test('any bytes instead of an answer are one answer, and the next request is served', async t => {
  const caller = new Caller();
  const prefix = fc.constantFrom(
    '',
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
  );
  const given = fc.tuple(prefix, fc.uint8Array({maxLength: 60}), fc.constantFrom<'close' | 'reset'>('close', 'reset'));
  await holds(t, given, 200, async ([head, rest, end]) => {
    const answer = await caller.send({reply: Buffer.concat([Buffer.from(head), rest]), end});
    if (![200, 502].includes(answer.status)) throw new Error(`status ${answer.status}`);
    const next = await caller.send({reply: sane});
    if (next.status !== 201) throw new Error(`then ${next.status} ${next.body}`);
  });
});

const deep = (levels: number, inner = '') => `${'['.repeat(levels)}${inner}${']'.repeat(levels)}`;
const large: [title: string, json: string, status: number][] = [
  ['a value of 100,000 levels', deep(100_000), 200],
  ['a body of 100,000 levels', `{"body":${deep(100_000)}}`, 200],
  ['a status of 100,000 levels', `{"statusCode":${deep(100_000)}}`, 502],
  ['a flag of 100,000 levels', `{"isBase64Encoded":${deep(100_000)}}`, 502],
  ['headers of 100,000 levels', `{"headers":${deep(100_000)}}`, 502],
  ['a header of 100,000 levels', `{"headers":{"a":${deep(100_000)}}}`, 502],
  ['a header of a number beside one of 100,000 levels', `{"headers":{"a":1,"b":${deep(100_000)}}}`, 502],
  ['a header of 100,000 values', `{"headers":{"a":[${Array(100_000).fill('"x"').join(',')}]}}`, 200],
  ['100,000 headers', `{"headers":{${Array.from({length: 100_000}, (_, index) => `"a${index}":1`).join(',')}}}`, 200],
  ['a header of a megabyte', `{"headers":{"a":"${'x'.repeat(2 ** 20)}"}}`, 200],
  ['a text of 5 MiB with escapes', `{"body":"${'\\u0000'.repeat(5 * 2 ** 20)}"}`, 200],
  ['a text over the limit', `{"body":"${'x'.repeat(6 * 2 ** 20 + 1)}"}`, 502],
];
for (const [title, json, status] of large) {
  test(`${title} is one answer, and the next request is served`, async t => {
    const large = await startCoreOnce();
    const wire = new Wire(large.url);
    const body = ok(json).toString('base64');
    await wire.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    const [answer] = await wire.replies(1);
    t.is(answer?.status, status, answer?.body.toString('utf8', 0, 200));
    const next = sane.toString('base64');
    await wire.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${next.length}\r\n\r\n${next}`);
    t.is((await wire.replies(2)).at(-1)?.status, 201);
    wire.destroy();
  });
}

let spacious: Promise<RunningCore> | undefined;

/** One whose callers may tell it replies of many megabytes. */
function startCoreOnce(): Promise<RunningCore> {
  spacious ??= startCore({
    SCW_PUBLIC: 'true',
    ...rawSubRuntime,
    SCW_PAYLOAD_MAX_SIZE: '100MiB',
    CORE_INFLIGHT_BYTES: '1GiB',
  });
  return spacious;
}
test.after.always(async () => (await spacious)?.stop());
