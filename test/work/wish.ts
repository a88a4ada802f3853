import test from 'ava';
import fc from 'fast-check';
import {Fault} from '../../src/errors.ts';
import {readCallbackHosts} from '../../src/work/callback-hosts.ts';
import {type Compat, readWish} from '../../src/work/wish.ts';

const now = Date.UTC(2026, 0, 1);
const async = {prefer: 'respond-async'};
const callbackHosts = readCallbackHosts('hooks.example.com,http://plain.example.com');

function wish(fields: Readonly<Record<string, string>>, {path = '/', compat = [] as Compat[], hosts = callbackHosts} = {}) {
  const get = (name: string) => fields[name.toLowerCase()] ?? '';
  return readWish({get}, path, {now, compat: new Set(compat), callbackHosts: hosts});
}

const terms = {
  'core-delay': '10m',
  'core-not-before': '2026-01-02T00:00:00Z',
  'core-expires': '1h',
  'core-ordering-key': 'a',
  'core-callback': 'https://hooks.example.com/',
};

for (const [field, value] of Object.entries(terms)) {
  test(`${field} is refused without respond-async`, t => {
    const error = t.throws(() => wish({[field]: value}), {instanceOf: Fault, code: 'REQUEST_MALFORMED'});
    t.regex(error.message.toLowerCase(), new RegExp(`^${field} .*prefer: respond-async`));
    t.throws(() => wish({[field]: value, 'idempotency-key': 'a'}), {code: 'REQUEST_MALFORMED'});
  });
}

for (const [title, fields, message] of [
  ['a delay and a moment', {'core-delay': '1s', 'core-not-before': '2026-01-02T00:00:00Z'}, /Core-Delay and Core-Not-Before exclude/],
  ['an expiry of nothing', {'core-expires': '0'}, /Core-Expires must be longer than 0/],
  ['an expiry before the delay', {'core-delay': '1h', 'core-expires': '30m'}, /Core-Expires must end after/],
  ['an expiry with the delay', {'core-delay': '1h', 'core-expires': '1h'}, /Core-Expires must end after/],
  ['an expiry before the moment', {'core-not-before': '2026-01-02T00:00:00Z', 'core-expires': '1h'}, /Core-Expires must end after/],
  ['an ordering key with a space', {'core-ordering-key': 'a b'}, /Core-Ordering-Key must have 1 to 255 visible .*`customer-7`/],
  ['an ordering key that was sent twice', {'core-ordering-key': 'a, b'}, /Core-Ordering-Key must/],
  ['an ordering key of 256', {'core-ordering-key': 'a'.repeat(256)}, /Core-Ordering-Key must/],
  ['an ordering key in other letters', {'core-ordering-key': 'Ã©'}, /Core-Ordering-Key must/],
  ['a deadline that is no duration', {'core-timeout': 'soon'}, /Core-Timeout must be a duration, such as 500ms/],
  ['a callback without TLS', {'core-callback': 'http://hooks.example.com/'}, /Core-Callback must be an https URL/],
  ['a callback to a host that is not listed', {'core-callback': 'https://example.com/'}, /Core-Callback names the host example\.com/],
] as const) {
  test(`${title} is refused`, t => {
    t.throws(() => wish({...async, ...fields}), {code: 'REQUEST_MALFORMED', message});
  });
}

test('a callback is refused where callbacks are off', t => {
  const fields = {...async, 'core-callback': 'https://hooks.example.com/'};
  const get = (name: string) => new Map(Object.entries(fields)).get(name.toLowerCase()) ?? '';
  const read = () => readWish({get}, '/', {now, compat: new Set(), callbackHosts: undefined});
  t.throws(read, {code: 'REQUEST_MALFORMED', message: /Core-Callback cannot be used: callbacks are off here/});
});

test('a request without a field of ours asks for nothing', t => {
  t.is(wish({}), undefined);
  t.is(wish({prefer: 'return=minimal, wait=10'}), undefined);
  t.is(wish({'x-amz-invocation-type': 'Event', 'x-callback-url': 'x'}, {path: '/async-function/a'}), undefined);
});

test('a key alone is for a call that is waited for', t => {
  t.deepEqual(wish({'idempotency-key': '"a"'}), {isAsync: false, waitMs: 0, idempotencyKey: 'a'});
});

test('everything that work may ask for is read', t => {
  const {'core-not-before': _, ...fields} = terms;
  t.like(wish({...async, ...fields, prefer: 'respond-async, wait=5', 'idempotency-key': 'k'}), {
    isAsync: true,
    waitMs: 5000,
    applied: 'respond-async, wait=5',
    path: undefined,
    idempotencyKey: 'k',
    due: now + 600_000,
    expires: now + 3_600_000,
    orderingKey: 'a',
    callback: 'https://hooks.example.com/',
  });
});

test('a moment in the past is now', t => {
  t.is(wish({...async, 'core-not-before': '1999-12-31T23:59:60Z', 'core-expires': '1s'})?.due, now);
});

for (const [path, seen] of [
  ['/async-function/report', '/'],
  ['/async-function/report/', '/'],
  ['/async-function/report.billing/a/b', '/a/b'],
  ['/async-function/report/a\nb', '/a\nb'],
  ['/async-function/', undefined],
  ['/async-function', undefined],
  ['/a/async-function/report', undefined],
] as const) {
  test(`OpenFaaS: ${JSON.stringify(path)} ${seen === undefined ? 'is the function’s own' : `calls the function with ${JSON.stringify(seen)}`}`, t => {
    t.is(wish({}, {path, compat: ['openfaas']})?.path, seen);
    t.is(wish({}, {path, compat: ['openfaas']})?.isAsync, seen === undefined ? undefined : true);
    t.is(wish({}, {path, compat: ['lambda']}), undefined);
  });
}

test('OpenFaaS: the callback has a field of its own, which counts for work only', t => {
  const given = {'x-callback-url': 'https://hooks.example.com/a'};
  t.is(wish(given, {path: '/async-function/a', compat: ['openfaas']})?.callback, given['x-callback-url']);
  t.is(wish({...given, ...async}, {compat: ['openfaas']})?.callback, given['x-callback-url']);
  t.is(wish({...given, ...async})?.callback, undefined);
  t.is(wish(given, {compat: ['openfaas']}), undefined);
  const bad = {'x-callback-url': 'ftp://hooks.example.com'};
  t.throws(() => wish(bad, {path: '/async-function/a', compat: ['openfaas']}), {message: /^X-Callback-Url must be an https URL/});
});

test('Lambda: an event is work, and every other type of invocation is a call', t => {
  t.like(wish({'x-amz-invocation-type': 'Event'}, {compat: ['lambda']}), {isAsync: true, waitMs: 0, applied: undefined});
  t.is(wish({'x-amz-invocation-type': 'RequestResponse'}, {compat: ['lambda']}), undefined);
  t.is(wish({'x-amz-invocation-type': 'Event'}, {compat: ['openfaas']}), undefined);
});

test('whatever the fields say, they are read or refused with a sentence that names one', t => {
  const names = ['prefer', 'idempotency-key', 'x-callback-url', 'x-amz-invocation-type', ...Object.keys(terms)];
  const words = fc.constantFrom(
    'respond-async',
    'wait',
    '=',
    ',',
    ';',
    '"',
    '\\',
    '10',
    ' ',
    'm',
    'https://',
    'hooks.example.com',
    '-',
    ':',
    'T',
    'Z',
  );
  const value = fc.oneof(
    fc.string(),
    fc.array(words).map(parts => parts.join('')),
  );
  const given = fc.dictionary(fc.constantFrom(...names), value);
  fc.assert(
    fc.property(given, fc.string(), (fields, path) => {
      try {
        wish(fields, {path, compat: ['openfaas', 'lambda']});
      } catch (error) {
        t.true(error instanceof Fault && error.code === 'REQUEST_MALFORMED');
        t.regex((error as Fault).message, /^(Prefer|Idempotency-Key|X-Callback-Url|Core-)/);
      }
    }),
    {numRuns: 2000},
  );
});
