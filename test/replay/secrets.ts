import test from 'ava';
import {redactor} from '../../src/journals/payload.ts';
import {documentOf, valueText} from '../../src/replay/document.ts';
import {conceal, hidden, isRedactedPlace, partHeaders} from '../../src/replay/secrets.ts';

const sent = ['Authorization', 'Bearer canary-token-1', 'Cookie', 'sid=abc; theme=dark', 'X-Plain', 'plain', 'x-api-key', 'schlüssel'];
const {kept, secrets} = partHeaders(redactor('')(sent.map(value => Buffer.from(value).toString('latin1'))));
const never = () => false;

test('a field that was taken out of a request is not part of it any more', t => {
  t.deepEqual(kept, ['X-Plain', 'plain']);
  t.deepEqual([...secrets.names], ['authorization', 'cookie', 'x-api-key']);
});

for (const text of [
  'Bearer canary-token-1',
  'you sent Bearer canary-token-1.',
  '{"token":"canary-token-1"}',
  'token=canary-token-1',
  'canary-token-1',
  '<p>sid=abc; theme=dark</p>',
  'key: schlüssel',
]) {
  test(`a secret is not shown of: ${text}`, t => {
    const shown = conceal(text, secrets, never);
    t.true(shown.includes(hidden));
    t.notRegex(shown, /canary|sid=abc|schlüssel/);
  });
}

test('other text is shown, also words that are known', t => {
  t.is(conceal('Hello, Ada! 12.50 application/json', secrets, never), 'Hello, Ada! 12.50 application/json');
  t.is(conceal('order-2026-11-23', secrets, never), hidden);
  t.is(
    conceal('order-2026-11-23', secrets, word => word === 'order-2026-11-23'),
    'order-2026-11-23',
  );
  t.is(conceal('order-2026-11-23', {names: new Set(), hashes: new Set()}, never), 'order-2026-11-23', 'without secrets nothing is hidden');
});

test('a long text is hidden as a whole', t => {
  t.is(conceal(`${'a '.repeat(5000)}Bearer canary-token-1`, secrets, never), `${hidden} (10021 characters)`);
});

test('a place is redacted by its name, by its value, or as a field of the reply that was taken out', t => {
  const at = (path: string, expected: string | undefined, actual: string | undefined) =>
    isRedactedPlace({aspect: 'body', path, expected, actual}, secrets);
  t.true(at('/headers/Authorization', 'x', undefined));
  t.true(at('/multi/Cookie/0', 'x', undefined));
  t.true(at('/echo', 'Bearer canary-token-1', 'nobody'));
  t.false(at('/echo', 'somebody', 'nobody'));
  t.false(at('/authorized', 'yes', 'no'));
  const [, hash = ''] = redactor('')(['Set-Cookie', 'a=1']);
  t.true(isRedactedPlace({aspect: 'headers', path: 'set-cookie', expected: [hash], actual: undefined}, secrets));
  t.false(isRedactedPlace({aspect: 'headers', path: 'location', expected: ['/'], actual: undefined}, secrets));
});

test('neither a diff nor a value shows a secret, wherever the reply has it', t => {
  const masks = {noise: new Set<string>(), secrets, isKnown: never};
  const body = {deep: [{headers: {Authorization: 'Bearer canary-token-1'}, text: 'with Bearer canary-token-1'}], t: 'canary-token-1'};
  for (const type of ['application/json', 'text/plain']) {
    const lines = documentOf(
      {status: 200, headers: ['Content-Type', type, 'X-Echo', 'canary-token-1'], body: Buffer.from(JSON.stringify(body))},
      masks,
    );
    t.notRegex(lines.join('\n'), /canary/);
    t.regex(lines.join('\n'), /«redacted»/);
  }
  const text = documentOf({status: 200, headers: [], body: Buffer.from('You are Bearer canary-token-1\nbye')}, masks);
  t.deepEqual(text.slice(2), [`You are ${hidden}`, 'bye']);
  const whole = {aspect: 'body', path: '/deep', expected: undefined, actual: undefined, meaning: 'changed'} as const;
  t.notRegex(valueText(whole, body.deep, masks) ?? '', /canary/);
  t.notRegex(valueText({...whole, path: ''}, JSON.stringify(body), masks) ?? '', /canary/);
  t.notRegex(valueText({...whole, meaning: 'noise', path: '/t'}, body.t, masks) ?? '', /canary/);
});

test('escape codes that a terminal would obey are not printed', t => {
  const masks = {noise: new Set<string>(), secrets: {names: new Set<string>(), hashes: new Set<string>()}, isKnown: never};
  const lines = documentOf({status: 200, headers: [], body: Buffer.from('\u001b[2J\u009b31m red\r')}, masks);
  t.is(lines.at(-1), '\\x1b[2J\\x9b31m red\\x0d');
});
