import test from 'ava';
import fc from 'fast-check';
import {shapeReply} from '../../../middleware/respond.ts';
import {Fault} from '../../../src/errors.ts';
import {fieldMap, runtimeReply} from '../../helpers/fakes.ts';

const limit = 6 * 2 ** 20;
const shape = (json: string, maxBytes = limit) => shapeReply(runtimeReply(json), 'id-1', maxBytes);

const refused: [title: string, json: string, message: RegExp][] = [
  ['status 199', '{"statusCode":199}', /statusCode .* got 199$/],
  ['status 600', '{"statusCode":600}', /got 600$/],
  ['status 0', '{"statusCode":0}', /got 0$/],
  ['status -200', '{"statusCode":-200}', /got -200$/],
  ['status 200.5', '{"statusCode":200.5}', /got 200.5$/],
  ['status 1e400', '{"statusCode":1e400}', /got /],
  ['status "abc"', '{"statusCode":"abc"}', /got "abc"$/],
  ['status ""', '{"statusCode":""}', /got ""$/],
  ['status "0x1f4"', '{"statusCode":"0x1f4"}', /got "0x1f4"$/],
  ['status "99"', '{"statusCode":"99"}', /got "99"$/],
  ['status "600"', '{"statusCode":"600"}', /got "600"$/],
  ['status true', '{"statusCode":true}', /got true$/],
  ['status false', '{"statusCode":false,"body":"x"}', /got false$/],
  ['status []', '{"statusCode":[200]}', /got \[200\]$/],
  ['status {}', '{"statusCode":{"a":1}}', /got \{"a":1\}$/],
  ['a status of any length is told in a few words', `{"statusCode":"${'9'.repeat(500)}"}`, /^.{1,200}$/],
  ['body that is no base64', '{"body":"not base64!","isBase64Encoded":true}', /not base64$/],
  ['base64 of an impossible length', '{"body":"abcde","isBase64Encoded":true}', /not base64$/],
  ['base64 with padding in the middle', '{"body":"YQ==YQ==","isBase64Encoded":true}', /not base64$/],
  ['base64 with too much padding', '{"body":"YQ===","isBase64Encoded":true}', /not base64$/],
  ['base64 that is no string', '{"body":{"a":1},"isBase64Encoded":true}', /body must be a string, got \{"a":1\}$/],
  ['base64 that is a number', '{"body":1234,"isBase64Encoded":true}', /body must be a string, got 1234$/],
  ['a flag that is a text', '{"body":"YQ==","isBase64Encoded":"yes"}', /isBase64Encoded must be true or false, got "yes"$/],
  ['headers that are a list', '{"headers":[["a","b"]]}', /headers must be an object$/],
  ['headers that are a text', '{"headers":"a: b"}', /headers must be an object$/],
  ['multiValueHeaders that are a text', '{"body":"","multiValueHeaders":"a"}', /multiValueHeaders must be an object$/],
  ['cookies that are a text', '{"statusCode":200,"cookies":"a=1"}', /cookies must be an array of strings$/],
  ['cookies that are an object', '{"statusCode":200,"cookies":{}}', /cookies must be an array of strings$/],
  ['cookies that are a number', '{"statusCode":200,"cookies":0}', /cookies must be an array of strings$/],
  ['a cookie that is a number', '{"body":"","cookies":["a=1",2]}', /cookies must be an array of strings$/],
  ['a cookie that is a list', '{"body":"","cookies":[["a=1"]]}', /cookies must be an array of strings$/],
  ['a cookie that would end its line', '{"body":"","cookies":["a=1\\r\\nX-Evil: 1"]}', /cookies holds a control character$/],
];

for (const [title, json, message] of refused) {
  test(`refuses, with a sentence that names it: ${title}`, t => {
    const fault = t.throws(() => shape(json), {instanceOf: Fault, code: 'RESULT_INVALID'});
    t.is(fault?.status, 502);
    t.regex(fault?.message ?? '', message);
    t.notRegex(fault?.message ?? '', /\n/);
  });
}

test('refuses a body over the limit, counted as the client gets it', t => {
  t.throws(() => shape('"123456"', 5), {code: 'RESULT_INVALID', message: /6 bytes, max response size = 5 bytes/});
  t.throws(() => shape('"ééé"', 5), {code: 'RESULT_INVALID'});
  t.throws(() => shape('{"body":"MTIzNDU2","isBase64Encoded":true}', 5), {code: 'RESULT_INVALID'});
  t.is(shape('"\\u0031\\u0032\\u0033\\u0034\\u0035"', 5).body, '12345');
  t.is(String(shape('{"body":"MTIzNDU=","isBase64Encoded":true}', 5).body), '12345');
  t.is(shape('"éé"', 5).body, 'éé');
});

const text = 'text/plain; charset=utf-8';
const json = 'application/json';
const bytes = 'application/octet-stream';

const shaped: [title: string, json: string, status: number, body: string | Buffer, type: string | undefined][] = [
  ['null is empty', 'null', 200, '', undefined],
  ['the empty text', '""', 200, '', undefined],
  ['a text', '"hello"', 200, 'hello', text],
  ['a text that is JSON stays a text', '"{\\"statusCode\\":404}"', 200, '{"statusCode":404}', text],
  ['a text is not unquoted', '"\\"quoted\\""', 200, '"quoted"', text],
  ['a text of HTML', '"<html><body>hi</body></html>"', 200, '<html><body>hi</body></html>', 'text/html; charset=utf-8'],
  ['a number', '42', 200, '42', text],
  ['a number keeps its digits', '12345678901234567890', 200, '12345678901234567890', text],
  ['a number that no float holds', '1e400', 200, '1e400', text],
  ['zero', '0', 200, '0', text],
  ['true', 'true', 200, 'true', text],
  ['false', 'false', 200, 'false', text],
  ['an array', '[1, 2]', 200, '[1, 2]', json],
  ['the empty array', '[]', 200, '[]', json],
  ['the empty object is a body', '{}', 200, '{}', json],
  ['an object without the members', '{"a": 1.0}', 200, '{"a": 1.0}', json],
  ['a name in another case makes no envelope', '{"StatusCode":404,"Body":"x"}', 200, '{"StatusCode":404,"Body":"x"}', json],
  ['an inherited name makes no envelope', '{"__proto__":{"statusCode":404}}', 200, '{"__proto__":{"statusCode":404}}', json],
  ['multiValueHeaders alone make no envelope', '{"multiValueHeaders":{}}', 200, '{"multiValueHeaders":{}}', json],
  ['an array of envelopes is a body', '[{"statusCode":404}]', 200, '[{"statusCode":404}]', json],
  ['members that are null count as absent', '{"body":null,"title":"a"}', 200, '{"body":null,"title":"a"}', json],
  ['only a status', '{"statusCode":201}', 201, '', undefined],
  ['only a body', '{"body":"x"}', 200, 'x', text],
  ['only headers', '{"headers":{}}', 200, '', undefined],
  ['only the flag, false', '{"isBase64Encoded":false}', 200, '', undefined],
  ['only the flag, true', '{"isBase64Encoded":true}', 200, '', undefined],
  ['a status that is null', '{"statusCode":null,"body":"x"}', 200, 'x', text],
  ['headers that are null', '{"headers":null,"body":"x"}', 200, 'x', text],
  ['a flag that is null', '{"isBase64Encoded":null,"body":"eA=="}', 200, 'eA==', text],
  ['a body that is null', '{"statusCode":200,"body":null}', 200, '', undefined],
  ['a body that is missing', '{"statusCode":404}', 404, '', undefined],
  ['an integral float as status', '{"statusCode":200.0,"body":"x"}', 200, 'x', text],
  ['an integral float with an exponent', '{"statusCode":2.01e2,"body":"x"}', 201, 'x', text],
  ['a numeric text as status', '{"statusCode":"404","body":"x"}', 404, 'x', text],
  ['status 599', '{"statusCode":599,"body":"x"}', 599, 'x', text],
  ['status 204', '{"statusCode":204}', 204, '', undefined],
  ['status 304', '{"statusCode":304}', 304, '', undefined],
  ['status 204, whose body is sent to nobody, has no type', '{"statusCode":204,"body":"x"}', 204, 'x', undefined],
  ['status 304 with a body says nothing of the type that a cache knows', '{"statusCode":304,"body":"x"}', 304, 'x', undefined],
  ['status 500 of the handler is the handler’s', '{"statusCode":500,"body":"mine"}', 500, 'mine', text],
  [
    'an object as body keeps its text',
    '{"body":{"big": 12345678901234567890, "a":[ ]}}',
    200,
    '{"big": 12345678901234567890, "a":[ ]}',
    json,
  ],
  ['an array as body', '{"body":[1,  2]}', 200, '[1,  2]', json],
  ['the empty object as body', '{"body":{}}', 200, '{}', json],
  ['a number as body', '{"body":1.50}', 200, '1.50', text],
  ['an infinite number as body', '{"body":1e400}', 200, '1e400', text],
  ['zero as body', '{"body":0}', 200, '0', text],
  ['false as body', '{"body":false}', 200, 'false', text],
  ['true as body', '{"body":true}', 200, 'true', text],
  ['a body that looks like an envelope is a body', '{"body":{"statusCode":404}}', 200, '{"statusCode":404}', json],
  ['a JSON text as body stays as it is', '{"body":"{\\"a\\": 1}"}', 200, '{"a": 1}', text],
  ['a quoted text as body is never unquoted', '{"body":"\\"a\\""}', 200, '"a"', text],
  ['of a repeated body the last', '{"body":{"a":1},"body":{"b":2}}', 200, '{"b":2}', json],
  ['a body under an escaped name', '{"\\u0062ody":{"a" :1}}', 200, '{"a" :1}', json],
  ['members of other names are ignored', '{"statusCode":200,"body":"x","cookies":["a"],"x":1}', 200, 'x', text],
  ['space around and inside', '\n {\t"statusCode" : 201 ,"body"\r\n: [ 1 ] }\n', 201, '[ 1 ]', json],
  ['base64', '{"body":"AAEC/w==","isBase64Encoded":true}', 200, Buffer.from([0, 1, 2, 255]), bytes],
  ['base64 without padding', '{"body":"AAEC_w","isBase64Encoded":true}', 200, Buffer.from([0, 1, 2, 255]), bytes],
  ['base64 in the URL-safe alphabet', '{"body":"_-8=","isBase64Encoded":true}', 200, Buffer.from([0xff, 0xef]), bytes],
  ['base64 with line breaks', '{"body":"AAEC\\r\\n/w==\\n","isBase64Encoded":true}', 200, Buffer.from([0, 1, 2, 255]), bytes],
  ['base64 of nothing', '{"body":"","isBase64Encoded":true}', 200, Buffer.alloc(0), undefined],
  ['base64 of an image', '{"body":"iVBORw0KGgo=","isBase64Encoded":true}', 200, Buffer.from('iVBORw0KGgo=', 'base64'), 'image/png'],
  ['base64 of a page', '{"body":"PGgxPmhpPC9oMT4=","isBase64Encoded":true}', 200, Buffer.from('<h1>hi</h1>'), 'text/html; charset=utf-8'],
  ['half a surrogate pair', '"\\ud800"', 200, '\ud800', text],
  ['NUL and other control characters', '"a\\u0000b"', 200, 'a\0b', text],
];

for (const [title, reply, status, body, type] of shaped) {
  test(`shapes: ${title}`, t => {
    const result = shape(reply);
    t.is(result.status, status);
    t.deepEqual(Buffer.from(result.body), Buffer.from(body));
    t.deepEqual(fieldMap(result.headers)['content-type'], type === undefined ? undefined : [type]);
    t.is(result.fault, undefined);
  });
}

test('every answer has the default headers and its id once', t => {
  t.deepEqual(fieldMap(shape('"x"').headers), {
    'content-type': [text],
    'access-control-allow-origin': ['*'],
    'access-control-allow-headers': ['Content-Type'],
    'core-invocation-id': ['id-1'],
  });
});

test('headers of the handler win over every default, in any case', t => {
  const given = {'content-TYPE': 'text/css', 'access-control-allow-ORIGIN': 'https://a.example', 'ACCESS-control-allow-headers': 'X-A'};
  t.deepEqual(fieldMap(shape(JSON.stringify({headers: given, body: {a: 1}})).headers), {
    'content-type': ['text/css'],
    'access-control-allow-origin': ['https://a.example'],
    'access-control-allow-headers': ['X-A'],
    'core-invocation-id': ['id-1'],
  });
});

test('a body with a Content-Encoding gets no default type, of any kind', t => {
  const gzip = '"body":"H4sIAAAAAAAAAw==","isBase64Encoded":true';
  for (const field of ['"Content-Encoding":"gzip"', '"content-ENCODING":["br"]']) {
    for (const body of [gzip, '"body":"plain"', '"body":{"a":1}', '"body":"<html>"']) {
      t.is(fieldMap(shape(`{"headers":{${field}},${body}}`).headers)['content-type'], undefined, field + body);
    }
    t.deepEqual(fieldMap(shape(`{"headers":{${field},"Content-Type":"text/css"},${gzip}}`).headers)['content-type'], ['text/css']);
  }
  t.deepEqual(fieldMap(shape(`{"headers":{"Content-Encoding":null},${gzip}}`).headers)['content-type'], ['application/x-gzip']);
});

const lengths: [title: string, members: string, length: string | undefined][] = [
  ['a text', '"headers":{"Content-Length":"1234"}', '1234'],
  ['a number under a name of any case', '"headers":{"CONTENT-length":1234}', '1234'],
  ['a list of values', '"multiValueHeaders":{"Content-Length":["1","1234"]}', '1234'],
  ['both maps', '"headers":{"Content-Length":"1"},"multiValueHeaders":{"content-length":["1234"]}', '1234'],
  ['no length', '"headers":{"Content-Type":"a/b"}', undefined],
  ['null', '"headers":{"Content-Length":null}', undefined],
  ['an empty list', '"multiValueHeaders":{"Content-Length":[]}', undefined],
  ['a negative number', '"headers":{"Content-Length":-1}', undefined],
  ['a fraction', '"headers":{"Content-Length":1.5}', undefined],
  ['a line break', '"headers":{"Content-Length":"1\\r\\nX: y"}', undefined],
  ['an object', '"headers":{"Content-Length":{"a":1}}', undefined],
  ['more digits than a length has', '"headers":{"Content-Length":"12345678901234567890"}', undefined],
];

for (const [title, members, length] of lengths) {
  test(`the length that a function declares: ${title}`, t => {
    const result = shape(`{${members},"body":""}`);
    t.is(result.declaredLength, length);
    t.is(fieldMap(result.headers)['content-length'], undefined);
  });
}

test('any text that a handler returns arrives as it is', t => {
  fc.assert(
    fc.property(fc.string({unit: 'binary'}), body => {
      const alone = shape(JSON.stringify(body));
      const wrapped = shape(JSON.stringify({statusCode: 200, body}));
      return alone.body === body && wrapped.body === body;
    }),
  );
  t.pass();
});

test('any bytes that a handler encodes arrive as they are', t => {
  fc.assert(
    fc.property(fc.uint8Array({maxLength: 200}), fc.constantFrom('base64', 'base64url'), (given, encoding) => {
      const body = Buffer.from(given).toString(encoding as BufferEncoding);
      return Buffer.from(shape(JSON.stringify({body, isBase64Encoded: true})).body).equals(Buffer.from(given));
    }),
  );
  t.pass();
});

test('any JSON value as body is sent as the text that was written', t => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom('', ' ', '\n\t'), (value, gap) => {
      const {body} = shape(`{${gap}"statusCode":200,"body":${gap}${value}${gap}}`);
      const parsed: unknown = JSON.parse(value);
      const expected = typeof parsed === 'string' ? parsed : parsed === null ? '' : value;
      return body === expected;
    }),
  );
  t.pass();
});

test('every reply is shaped or refused with RESULT_INVALID', t => {
  const member = fc.oneof(fc.jsonValue(), fc.constantFrom(200, '404', true, 'YQ==', {}));
  const envelope = fc.record(
    {statusCode: member, body: member, headers: member, multiValueHeaders: member, isBase64Encoded: member},
    {requiredKeys: []},
  );
  fc.assert(
    fc.property(fc.oneof(envelope, fc.jsonValue()), value => {
      try {
        const {status} = shape(JSON.stringify(value));
        return Number.isInteger(status) && status >= 200 && status <= 599;
      } catch (error) {
        return error instanceof Fault && error.code === 'RESULT_INVALID';
      }
    }),
    {numRuns: 1000},
  );
  t.pass();
});

test('a large base64 body costs no stack', t => {
  const body = Buffer.alloc(30 * 2 ** 20, 7);
  t.true(Buffer.from(shape(JSON.stringify({body: body.toString('base64'), isBase64Encoded: true}), 2 ** 26).body).equals(body));
});

test('each of the cookies is a Set-Cookie, after those of the headers', t => {
  const setCookies = (json: string) => {
    const {headers} = shape(json);
    return headers.filter((_, index) => headers[index - 1]?.toLowerCase() === 'set-cookie' && index % 2 === 1);
  };
  t.deepEqual(setCookies('{"statusCode":200,"cookies":["a=1; Path=/","b=2; HttpOnly"]}'), ['a=1; Path=/', 'b=2; HttpOnly']);
  t.deepEqual(setCookies('{"headers":{"set-cookie":["a=1"]},"cookies":["b=2",null,"b=3"]}'), ['a=1', 'b=2', 'b=3']);
  t.deepEqual(setCookies('{"multiValueHeaders":{"Set-Cookie":["a=1"]},"body":"","cookies":["b=é"]}'), ['a=1', 'b=\u00c3\u00a9']);
  for (const none of ['null', '[]', '[null]']) t.deepEqual(setCookies(`{"statusCode":200,"cookies":${none}}`), [], none);
});

test('cookies alone make no envelope: the object is the body', t => {
  const {headers, body} = shape('{"cookies":["a=1"]}');
  t.is(body, '{"cookies":["a=1"]}');
  t.false(headers.includes('Set-Cookie'));
});
