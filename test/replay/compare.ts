import {isDeepStrictEqual} from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import {differences, type Outcome} from '../../src/replay/compare.ts';
import {judge, learnNoise, type Noise} from '../../src/replay/judge.ts';

const json = (text: string, more: Partial<Outcome> = {}): Outcome => ({
  status: 200,
  headers: ['Content-Type', 'application/json'],
  body: Buffer.from(text),
  ...more,
});
const text = (body: string | Buffer): Outcome => ({status: 200, headers: ['Content-Type', 'text/plain'], body: Buffer.from(body)});
const failed = {status: 500, code: 'HANDLER_FAILED', headers: [], body: Buffer.from('thrown\n')} as const;
const nothing = {noise: new Set<string>(), isRedacted: () => false};
const verdict = (expected: Outcome, actual: Outcome, noise: Noise = nothing.noise) => judge(expected, actual, {...nothing, noise}).verdict;
const paths = (expected: Outcome, actual: Outcome) => differences(expected, actual).map(({path}) => path);

test('a changed member is a difference of the body, named by its JSON Pointer', t => {
  t.is(verdict(json('{"a":{"b/c":[1,2]}}'), json('{"a":{"b/c":[1,3]}}')), 'body');
  t.deepEqual(paths(json('{"a":{"b/c":[1,2]}}'), json('{"a":{"b/c":[1,3]}}')), ['/a/b~1c/1']);
  t.deepEqual(paths(json('{"a":1}'), json('{"b":1}')), ['/a', '/b']);
  t.deepEqual(paths(json('{"a":null}'), json('{}')), ['/a'], 'null is not absent');
  t.deepEqual(paths(json('[1,2]'), json('[1,2,3]')), ['']);
  t.deepEqual(paths(json('{"a":{}}'), json('{"a":[]}')), ['/a']);
});

test('numbers are what is written: 1.0 is not 1, and no digit of a large one is lost', t => {
  for (const [one, other] of [
    ['1.0', '1'],
    ['9007199254740993', '9007199254740992'],
    ['1e400', '1e401'],
    ['-0', '0'],
    ['0.1', '0.10'],
    ['1', '"1"'],
  ] as const) {
    t.is(verdict(json(`{"n":${one}}`), json(`{"n":${other}}`)), 'body', `${one} ${other}`);
    t.is(verdict(json(`{"n":${one}}`), json(`{ "n" : ${one} }`)), 'same', one);
  }
});

test('members that a prototype has are members like others', t => {
  t.deepEqual(paths(json('{"__proto__":1,"constructor":2}'), json('{}')), ['/__proto__', '/constructor']);
  t.is(verdict(json('{"__proto__":1}'), json('{"__proto__":1 }')), 'same');
});

test('JSON without its type is compared as JSON, other text and bytes as they are', t => {
  t.is(verdict(text('{"a":1,"b":2}'), text('{"b":2, "a":1}')), 'same');
  t.is(verdict(text('1'), text('1 ')), 'body');
  t.is(verdict(json('1'), json(' 1')), 'same');
  t.is(verdict(text('{"a":1'), text('{"a": 1')), 'body');
  t.is(verdict(text(Buffer.from([255, 0])), text(Buffer.from([255, 1]))), 'body');
  t.is(verdict(json('{"a":1}'), json('plain')), 'body');
});

test('JSON of more levels than anybody walks is compared as bytes', t => {
  for (const depth of [1000, 100_000]) {
    const deep = '['.repeat(depth) + ']'.repeat(depth);
    t.is(verdict(json(deep), json(deep)), 'same');
    t.is(verdict(json(deep), json(` ${deep}`)), 'body');
  }
});

test('headers are compared by name in any case, repeated ones in their order', t => {
  const headers = (...fields: string[]) => ({status: 200, headers: fields, body: Buffer.alloc(0)});
  t.is(verdict(headers('A', '1', 'B', '2'), headers('b', '2', 'a', '1')), 'same');
  t.is(verdict(headers('A', '1', 'A', '2'), headers('A', '2', 'A', '1')), 'headers');
  t.is(verdict(headers('A', '1, 2'), headers('A', '1', 'A', '2')), 'headers');
  t.deepEqual(paths(headers('X-One', '1'), headers('X-Two', '1')), ['x-one', 'x-two']);
});

test('the gravest change is the verdict, and every changed aspect is listed', t => {
  const judged = judge(json('{"a":1}'), json('{"a":2}', {status: 201, headers: []}), nothing);
  t.is(judged.verdict, 'status');
  t.deepEqual(judged.changed, ['status', 'headers', 'body']);
});

test('a new failure is an error, another failure is, too, and a failure that is gone is a change of the status', t => {
  t.is(verdict(json('{}'), failed), 'error');
  t.is(verdict(failed, {...failed, code: 'RESULT_INVALID', status: 502}), 'error');
  t.is(verdict(failed, json('{}')), 'status');
  t.is(verdict(failed, {...json('{}'), status: 500}), 'status', 'a 500 of the function is no failure of it');
  t.is(verdict(failed, failed), 'same');
  t.is(verdict({status: 500, code: 'HANDLER_FAILED'}, failed), 'same', 'of a recorded failure the text is not kept');
  t.is(verdict(failed, {...failed, body: Buffer.from('otherwise\n')}), 'body');
});

test('a place that differs between two runs of the same code is noise, and so is everything in it', t => {
  const noise = learnNoise(json('{"id":1,"at":{"ms":5},"list":[1]}'), json('{"id":2,"at":{"ms":6},"list":[1,2]}'));
  t.is(verdict(json('{"id":3,"at":{"ms":7},"list":[5]}'), json('{"id":4,"at":{"ms":8},"list":[6]}'), noise), 'noise');
  t.is(verdict(json('{"id":3,"at":{"ms":7},"list":[],"n":1}'), json('{"id":4,"at":{"ms":7},"list":[],"n":2}'), noise), 'body');
  t.is(verdict(json('{"id":3,"at":{"ms":7}}'), json('{"id":3,"at":"soon"}'), noise), 'body', 'noise in it makes not all of it noise');
  const headers = learnNoise({status: 200, headers: ['Date', '1']}, {status: 200, headers: ['Date', '2']});
  t.is(verdict({status: 200, headers: ['Date', '3', 'A', '1']}, {status: 200, headers: ['Date', '4', 'A', '1']}, headers), 'noise');
  t.is(verdict({status: 200, headers: ['Date', '3', 'A', '1']}, {status: 200, headers: ['Date', '3', 'A', '2']}, headers), 'headers');
});

test('a member that comes and goes is noise in both directions', t => {
  for (const noise of [learnNoise(json('{"a":1}'), json('{}')), learnNoise(json('{}'), json('{"a":1}'))]) {
    t.is(verdict(json('{}'), json('{"a":2}'), noise), 'noise');
    t.is(verdict(json('{"a":2}'), json('{}'), noise), 'noise');
  }
});

test('when code fails at times, all differences of its answers are noise', t => {
  const noise = learnNoise(json('{"a":1}'), failed);
  t.is(verdict(json('{"a":1}'), json('{"a":2}', {status: 404}), noise), 'noise');
  t.is(verdict(json('{"a":1}'), failed, noise), 'noise');
});

test('a difference that comes from a secret which the recording lacks is redacted, and not a change', t => {
  const judged = judge(json('{"a":1}'), json('{"a":2}'), {noise: new Set(), isRedacted: ({path}) => path === '/a'});
  t.is(judged.verdict, 'noise');
  t.deepEqual(
    judged.differences.map(({meaning}) => meaning),
    ['redacted'],
  );
});

const bodies = fc.oneof(
  fc.json().map(each => json(each)),
  fc.string().map(text),
  fc.uint8Array().map(bytes => text(Buffer.from(bytes))),
);
const fields = fc.array(fc.tuple(fc.constantFrom('A', 'b', 'Content-Type'), fc.string())).map(pairs => pairs.flat());
const outcomes: fc.Arbitrary<Outcome> = fc
  .tuple(bodies, fields, fc.constantFrom(200, 404), fc.boolean())
  .map(([outcome, headers, status, keepsType]) => ({...outcome, status, headers: keepsType ? (outcome.headers ?? []) : headers}));

test('every outcome is the same as itself', t => {
  fc.assert(
    fc.property(outcomes, outcome => {
      const copy = {...outcome, headers: [...(outcome.headers ?? [])], body: Buffer.from(outcome.body ?? '')};
      t.is(verdict(outcome, copy), 'same');
      t.is(verdict({...failed, ...copy}, {...failed, ...outcome}), 'same');
    }),
  );
});

test('with the noise that was learned from two runs, nothing between them has changed', t => {
  fc.assert(
    fc.property(outcomes, outcomes, (one, other) => {
      const noise = learnNoise(one, other);
      t.deepEqual(judge(one, other, {...nothing, noise}).changed, []);
      t.deepEqual(judge(other, one, {...nothing, noise}).changed, []);
    }),
  );
});

test('an object with its members in another order is the same', t => {
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([name, member]) => [name, shuffled(member)]),
    );
  };
  fc.assert(
    fc.property(fc.jsonValue({noUnicodeString: false}), value => {
      t.is(verdict(json(JSON.stringify(value)), json(JSON.stringify(shuffled(value), undefined, 2))), 'same');
    }),
  );
});

test('two values of JSON are the same exactly when they read the same', t => {
  // Of few words, so that some pairs are the same.
  const small = fc.letrec<{value: unknown}>(tie => ({
    value: fc.oneof(
      {maxDepth: 2},
      fc.constantFrom(null, true, 0, 1, '', '1'),
      fc.array(tie('value'), {maxLength: 2}),
      fc.dictionary(fc.constantFrom('a', 'b'), tie('value'), {maxKeys: 2}),
    ),
  })).value;
  fc.assert(
    fc.property(small, small, (one, other) => {
      t.is(verdict(json(JSON.stringify(one)), json(JSON.stringify(other))) === 'same', isDeepStrictEqual(plain(one), plain(other)));
    }),
    {numRuns: 500},
  );
  /** With usual prototypes. */
  function plain(value: unknown): unknown {
    return JSON.parse(JSON.stringify(value));
  }
});
