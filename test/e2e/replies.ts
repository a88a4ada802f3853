import test from 'ava';
import fc from 'fast-check';
import {type Manner, type RawCore, requestFor, startRawCore} from '../helpers/raw-sub-runtime.ts';
import type {WireReply} from '../helpers/strict-http.ts';
import {Wire} from '../helpers/wire.ts';

/*
Whatever a sub-runtime answers, its caller gets one reply to the letter of RFC 9112, and so does the next caller on the
same connection. A failure prints the seed and the shortest reply that shows it.
*/

const mostBytes = 2 ** 20;
let core: RawCore;

test.before(async () => {
  core = await startRawCore({CORE_RESPONSE_MAX_SIZE: String(mostBytes)});
});
test.after.always(() => core?.stop());

const json = 'Content-Type: application/json\r\n';
const framed = (body: string | Buffer, fields = '') => {
  const bytes = Buffer.from(body);
  return Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${fields}Content-Length: ${bytes.length}\r\n\r\n`), bytes]);
};
const next = framed('{"next":1}', json);

/** The reply to a call that is answered with these bytes; the one behind it on the same connection must be whole as well. */
async function replyTo(bytes: Buffer, manner: Manner = {}): Promise<WireReply> {
  const wire = new Wire(core.url);
  try {
    await wire.write(requestFor('/reply', bytes, manner) + requestFor('/next', next));
    const [reply, other] = await wire.replies(2);
    if (other?.body.toString() !== '{"next":1}') throw new Error(`The next caller got ${other?.status} ${other?.body}`);
    if (!reply) throw new Error('No reply');
    return reply;
  } finally {
    wire.destroy();
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isEnvelope = (value: unknown) =>
  isObject(value) && ['statusCode', 'body', 'headers', 'isBase64Encoded'].some(name => (value[name] ?? null) !== null);

const space = fc.stringMatching(/^[\t\n\r ]{0,3}$/);
/** Any JSON value as somebody may write it: with space, and numbers that no double holds. */
const jsonText = fc
  .tuple(space, fc.oneof(fc.json(), fc.stringMatching(/^-?[1-9][0-9]{0,30}(\.[0-9]{1,5})?([eE]-?[0-9]{1,4})?$/)), space)
  .map(parts => parts.join(''));

test('a JSON value that is not an envelope is the body, in exactly the text in which it was written', async t => {
  await fc.assert(
    fc.asyncProperty(jsonText, async text => {
      const value: unknown = JSON.parse(text);
      fc.pre(!isEnvelope(value));
      const reply = await replyTo(framed(text, json));
      const expected = typeof value === 'string' ? value : value === null ? '' : text.trim();
      t.is(reply.status, 200);
      t.is(reply.body.toString(), Buffer.from(expected).toString()); // a lone surrogate has no UTF-8
      t.is(reply.field('content-type') === 'application/json', typeof value === 'object' && value !== null);
    }),
    {numRuns: 300},
  );
});

/** What an envelope may hold, right and wrong, as JSON text. */
const statusText = fc.oneof(
  fc.constantFrom('200', '404', '599', '204', '304', '205', '2e2', '200.0', '"418"', 'null'),
  fc.constantFrom('0', '100', '101', '199', '600', '-200', '200.5', '"abc"', '""', '"2 0"', '1e400', 'true', '[200]', '{}'),
);
const valueText = fc.oneof(
  fc.constantFrom('"a"', '""', '1', '1.50', 'true', 'null', '["a","b"]', '["a",1,null]', '"é\\ud83d\\ude00"', '[]', '"\\t"'),
  fc.constantFrom('"a\\r\\nX: y"', '"\\u0000"', '"a\\n"', '{}', '[[]]', '[{"a":1}]', '"\\u007f"'),
);
const nameText = fc.oneof(
  fc.constantFrom('X-A', 'Content-Type', 'Set-Cookie', 'content-length', 'Transfer-Encoding', 'connection', 'Upgrade', '__proto__'),
  fc.constantFrom('Core-Error', 'Date', 'Server', 'Access-Control-Allow-Origin', 'Trailer', 'Keep-Alive', 'TE'),
  fc.constantFrom('', 'X Y', 'X:', 'X\\r\\nY', 'é', '\\u0000', '(x)'),
);
const headersText = fc.oneof(
  fc.array(fc.tuple(nameText, valueText), {maxLength: 4}).map(fields => `{${fields.map(([name, value]) => `"${name}":${value}`).join()}}`),
  fc.constantFrom('null', '[]', '"X: y"', '1', 'true'),
);
const envelopeText = fc
  .record(
    {
      statusCode: statusText,
      headers: headersText,
      multiValueHeaders: headersText,
      body: fc.oneof(fc.json(), fc.constantFrom('""', '"aGk"', '"aGk="', '"a-_"', '"%%%"', '"a"', 'null')),
      isBase64Encoded: fc.constantFrom('true', 'false', 'null', '"true"', '1'),
      other: fc.json(),
    },
    {requiredKeys: []},
  )
  .map(members => `{${Object.entries(members).map(([name, text]) => `"${name}":${text}`)}}`);

test('an envelope is answered with its own status, or with a 502 that names what HTTP cannot carry', async t => {
  await fc.assert(
    fc.asyncProperty(envelopeText, async text => {
      const value = JSON.parse(text);
      const reply = await replyTo(framed(text, json));
      if (reply.status === 502 && reply.field('core-error') !== '') {
        t.is(reply.field('core-error'), 'RESULT_INVALID');
        t.regex(reply.body.toString(), /^The function returned a reply that HTTP cannot carry: [^\n]+\n$/);
      } else if (isEnvelope(value)) t.is(reply.status, Number(value.statusCode ?? 200));
      else t.is(reply.status, 200);
    }),
    {numRuns: 500},
  );
});

/** Text and bytes as bodies without a type: JSON cut short, markup, numbers, anything. */
const someBytes = fc.oneof(
  fc.uint8Array({maxLength: 300}).map(bytes => Buffer.from(bytes)),
  fc.string({unit: 'grapheme', maxLength: 100}).map(text => Buffer.from(text)),
  fc.tuple(fc.json(), fc.nat(200)).map(([text, length]) => Buffer.from(text.slice(0, length))),
);

test('a body without a type is sent byte for byte, unless its text is a JSON object or array', async t => {
  await fc.assert(
    fc.asyncProperty(someBytes, async bytes => {
      const text = bytes.toString();
      let value: unknown;
      try {
        value = Buffer.from(text).equals(bytes) ? JSON.parse(text) : undefined;
      } catch {}
      fc.pre(!isEnvelope(value));
      const reply = await replyTo(framed(bytes));
      const expected = typeof value === 'object' && value !== null ? Buffer.from(text.trim()) : bytes;
      t.is(reply.status, 200);
      t.deepEqual(reply.body, expected);
    }),
    {numRuns: 300},
  );
});

/** A reply that was right once, with a few bytes put in, taken out or changed. */
const mutated = fc
  .tuple(
    fc.constantFrom(
      framed('{"a":1}', json),
      Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\n{"a\r\n4\r\n":1}\r\n0\r\nX: t\r\n\r\n'),
      framed('boom'),
      Buffer.from('HTTP/1.0 200 OK\r\n\r\n{"a":1}'),
    ),
    fc.array(
      fc.tuple(
        fc.nat(),
        fc.nat(3),
        fc.oneof(fc.uint8Array({maxLength: 3}), fc.constantFrom('\r\n', '\n', ':', '0', 'HTTP/1.1 200 OK\r\n')),
      ),
      {
        minLength: 1,
        maxLength: 4,
      },
    ),
  )
  .map(([bytes, edits]) =>
    edits.reduce((reply, [place, length, put]) => {
      const at = place % (reply.length + 1);
      return Buffer.concat([reply.subarray(0, at), Buffer.from(put), reply.subarray(at + length)]);
    }, bytes),
  );

// Alone: a connection that is closed without a word may just have been given the call of another test.
test.serial('any bytes in the place of a reply are an answer, a failure of the function, or a 502', async t => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(someBytes, mutated), async bytes => {
      const reply = await replyTo(bytes, {end: 'close'});
      if (reply.status >= 300) t.regex(reply.field('core-error'), /^(UPSTREAM_LOST|UPSTREAM_PROTOCOL|HANDLER_FAILED|RESULT_INVALID)$/);
    }),
    {numRuns: 300},
  );
});

const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
const large: [title: string, bytes: Buffer, status: number, length?: number][] = [
  ['200,000 levels', framed(deep(200_000), json), 200, 400_000],
  ['an envelope of 200,000 levels', framed(`{"statusCode":200,"body":${deep(200_000)}}`, json), 200, 400_000],
  ['200,000 levels in a header', framed(`{"headers":{"X":${deep(200_000)}}}`, json), 502],
  ['200,000 levels beside a number in the headers', framed(`{"headers":{"X":1,"Y":${deep(200_000)}}}`, json), 502],
  ['200,000 levels as status', framed(`{"statusCode":${deep(200_000)}}`, json), 502],
  ['200,000 levels that do not end', framed('['.repeat(200_000), json), 502],
  ['exactly the limit', framed(JSON.stringify('x'.repeat(mostBytes)), json), 200, mostBytes],
  ['a byte over the limit', framed(JSON.stringify('x'.repeat(mostBytes + 1)), json), 502],
  ['the limit with every byte escaped', framed(`"${'\\u0041'.repeat(mostBytes)}"`, json), 200, mostBytes],
  [
    'the limit in base64',
    framed(JSON.stringify({isBase64Encoded: true, body: Buffer.alloc(mostBytes).toString('base64')}), json),
    200,
    mostBytes,
  ],
  [
    'a byte over the limit in base64',
    framed(JSON.stringify({isBase64Encoded: true, body: Buffer.alloc(mostBytes + 1).toString('base64')}), json),
    502,
  ],
  ['far over the limit', framed('x'.repeat(8 * mostBytes), json), 502],
  ['half a million spaces', framed(`{"body":"a"${' '.repeat(500_000)}}${' '.repeat(500_000)}`, json), 200, 1],
  ['half a million quotes', framed(`{"body":${JSON.stringify('"'.repeat(500_000))}}`, json), 200, 500_000],
  ['100,000 members', framed(`{"body":1,${Array.from({length: 100_000}, (_, index) => `"k${index}":0`)}}`, json), 200, 1],
  ['2,000 header fields', framed(`{"headers":{${Array.from({length: 2000}, (_, index) => `"X-${index}":"v"`)}}}`, json), 200, 0],
];
for (const [title, bytes, status, length] of large) {
  test.serial(`${status} for ${title}`, async t => {
    const reply = await replyTo(bytes);
    t.is(reply.status, status, reply.body.toString('latin1', 0, 200));
    if (length !== undefined) t.is(reply.body.length, length);
  });
}
