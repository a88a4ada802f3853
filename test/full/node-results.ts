import {eachHop} from '../helpers/node-bridge.ts';

// What JSON would show as `{}`: read where its meaning is plain, refused elsewhere.

const form = 'application/x-www-form-urlencoded;charset=UTF-8';

const refused: Record<string, [expression: string, text: string | RegExp]> = {
  'a Map': ["new Map([['a', 1]])", 'a Map has no members that JSON shows'],
  'a Set': ["new Set(['a'])", 'a Set has no members that JSON shows'],
  'a WeakMap': ['new WeakMap()', 'a WeakMap has no members that JSON shows'],
  'a regular expression': ['/a/', 'a RegExp has no members that JSON shows'],
  'a Headers': ["new Headers({a: 'b'})", 'a Headers has no members that JSON shows'],
  'a FormData': ['new FormData()', 'a FormData has no members that JSON shows'],
  'an Error': ["new Error('boom')", 'an Error must be thrown, not returned: boom'],
  'an Error with members': ["Object.assign(new RangeError('boom'), {code: 7})", 'a RangeError must be thrown, not returned: boom'],
  'an iterator': ["new Map([['a', 1]]).values()", 'an Iterator must be read first'],
  'an instance without members': [
    'new (class Secret { #a = 1; get a() { return this.#a; } })()',
    'a Secret has no members that JSON shows',
  ],
  'a symbol in an object': ['Object(Symbol())', 'a Symbol has no members that JSON shows'],
};

eachHop(({check, startText}) => {
  for (const [kind, [expression, text]] of Object.entries(refused)) {
    check(`${kind} is a 500 that says so, as the result and as the body`, async t => {
      const b = await startText(
        t,
        `exports.handle = async event => event === 'whole' ? ${expression} : {statusCode: 201, body: ${expression}};`,
      );
      for (const event of ['whole', 'body']) {
        t.like(await b.call(event), {status: 500, text: `The result of the function is not JSON: ${text}`}, event);
      }
    });
  }

  check('a promise within the result is a 500 that says so', async t => {
    const b = await startText(
      t,
      `const late = () => Promise.resolve('late');
    const results = {
      body: {body: late()},
      headers: {headers: late(), body: 'x'},
      member: {a: 1, b: late()},
      element: [1, late()],
      inBody: {body: {user: late()}},
      inHeaders: {headers: {'X-A': late()}},
    };
    exports.handle = async event => results[event];`,
    );
    for (const [event, text] of Object.entries({
      body: 'a Promise must be awaited first',
      headers: 'headers: a Promise must be awaited first',
      member: 'b: a Promise must be awaited first',
      element: '1: a Promise must be awaited first',
      inBody: 'user: a Promise must be awaited first',
      inHeaders: 'X-A: a Promise must be awaited first',
    })) {
      t.like(await b.call(event), {status: 500, text: `The result of the function is not JSON: ${text}`}, event);
    }
  });

  check('an error that was returned is logged with its stack', async t => {
    const b = await startText(t, "exports.handle = async () => ({statusCode: 400, body: new Error('boom')});");
    await b.call({}, {invocationId: 'i'});
    await b.until(() => b.logs.some(({stack = ''}) => /caused by: Error: boom\n.*handler\.cjs:1/s.test(stack)));
    t.is(b.logs.length, 1);
  });

  const badHeaders: Record<string, [expression: string, text: string]> = {
    'a Set': ["new Set(['a'])", 'headers: a Set is no list of names and values'],
    'a Map whose keys are no texts': ["new Map([[1, 'a']])", 'headers: a Map is no list of names and values'],
    'a generator': ["(function* () { yield ['a', 'b']; })()", 'headers: a Generator must be read first'],
    'an Error': ["new Error('boom')", 'headers: an Error must be thrown, not returned: boom'],
    'an instance without members': ['new (class Fields {})()', 'headers: a Fields has no members that JSON shows'],
  };

  for (const [kind, [expression, text]] of Object.entries(badHeaders)) {
    check(`${kind} as headers is a 500 that says so`, async t => {
      const b = await startText(t, `exports.handle = async event => ({[event]: ${expression}});`);
      for (const member of ['headers', 'multiValueHeaders']) {
        const said = `The result of the function is not JSON: ${text.replace('headers', member)}`;
        t.like(await b.call(member), {status: 500, text: said}, member);
      }
    });
  }

  const cookies = "new Headers([['content-type', 'a/b'], ['set-cookie', 'a=1'], ['set-cookie', 'b=2']])";
  const read: Record<string, [expression: string, json: string]> = {
    'Headers of fetch()': [`{headers: ${cookies}}`, '{"headers":{"content-type":"a/b","set-cookie":["a=1","b=2"]}}'],
    'Headers as multiValueHeaders': [
      `{multiValueHeaders: ${cookies}}`,
      '{"multiValueHeaders":{"content-type":"a/b","set-cookie":["a=1","b=2"]}}',
    ],
    'a Map as headers': [
      "{statusCode: 201, headers: new Map([['X-A', 'b'], ['X-B', ['c', 'd']], ['__proto__', 'e']])}",
      '{"statusCode":201,"headers":{"X-A":"b","X-B":["c","d"],"__proto__":"e"}}',
    ],
    'URLSearchParams as headers': ["{headers: new URLSearchParams('a=1&a=2&b=3')}", '{"headers":{"a":["1","2"],"b":"3"}}'],
    'the Headers of node-fetch 2, whose iterator joins cookies': [
      "{headers: new (class Headers { raw() { return {a: ['1', '2']}; } *[Symbol.iterator]() { yield ['a', '1, 2']; } })()}",
      '{"headers":{"a":["1","2"]}}',
    ],
    'headers that know their JSON': ["{headers: new (class { toJSON() { return {a: '1'}; } })()}", '{"headers":{"a":"1"}}'],
    'an instance with members as headers': ["{headers: new (class { 'X-A' = '1'; })()}", '{"headers":{"X-A":"1"}}'],
    URLSearchParams: ["new URLSearchParams({a: '1 2', b: 'ž'})", `{"body":"a=1+2&b=%C5%BE","headers":{"Content-Type":"${form}"}}`],
    'URLSearchParams as the body': [
      "{statusCode: 201, headers: {'X-A': 'b'}, body: new URLSearchParams('a=1')}",
      `{"statusCode":201,"headers":{"X-A":"b","Content-Type":"${form}"},"body":"a=1"}`,
    ],
    'URLSearchParams as the body, with a type': [
      "{headers: new Headers({'CONTENT-type': 'text/plain'}), body: new URLSearchParams('a=1')}",
      '{"headers":{"content-type":"text/plain"},"body":"a=1"}',
    ],
    'URLSearchParams as the body, with a type in multiValueHeaders': [
      "{multiValueHeaders: {'content-TYPE': ['text/plain']}, body: new URLSearchParams('a=1')}",
      '{"multiValueHeaders":{"content-TYPE":["text/plain"]},"body":"a=1"}',
    ],
    'an instance with members': ["new (class { statusCode = 201; body = 'x'; })()", '{"statusCode":201,"body":"x"}'],
    'an instance with toJSON as the body': ["{body: new (class { toJSON() { return 'x'; } })()}", '{"body":"x"}'],
    'an error that knows its JSON': ["Object.assign(new Error('x'), {toJSON() { return {error: 1}; }})", '{"error":1}'],
    'an instance with toJSON that keeps a promise of its own': [
      'Object.assign(new (class { toJSON() { return {a: {}}; } })(), {saved: Promise.resolve()})',
      '{"a":{}}',
    ],
    'a number in an object': ['{body: new Number(5)}', '{"body":5}'],
    'empty objects and arrays': ['{body: {a: {}, b: [], c: Object.create(null)}}', '{"body":{"a":{},"b":[],"c":{}}}'],
    'an empty object': ['({})', '{}'],
    'an empty object of another realm': ["require('node:vm').runInNewContext('({})')", '{}'],
    'an empty array of another realm': ["require('node:vm').runInNewContext('[]')", '[]'],
    'bytes under Headers': [
      `{headers: new Headers({a: '1'}), body: Buffer.from('x')}`,
      '{"headers":{"a":"1"},"body":"eA==","isBase64Encoded":true}',
    ],
  };

  for (const [kind, [expression, json]] of Object.entries(read)) {
    check(`the result may hold ${kind}`, async t => {
      const b = await startText(t, `exports.handle = async () => (${expression});`);
      const reply = await b.call({});
      t.is(reply.status, 200, reply.text);
      t.deepEqual(JSON.parse(reply.text), JSON.parse(json));
    });
  }

  check('a result that was read stays as the function made it', async t => {
    const b = await startText(
      t,
      `const kept = {headers: new Map([['X-A', 'b']]), body: new URLSearchParams('a=1')};
    exports.handle = async () => kept;`,
    );
    const first = await b.call({});
    t.like(await b.call({}), {status: 200, text: first.text});
  });
});
