import test from 'ava';
import {isSampled, PassedState, readTrace, traceIdOf} from '../../src/observe/traces/trace-context.ts';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const state = (tracestate: string) => readTrace({get: field => ({traceparent, tracestate})[field] ?? ''})?.tracestate;

test('a list within every limit stays in its order', t => {
  t.is(state(' a=1 ,, b@c= 2,\t'), 'a=1,b@c= 2');
  t.is(state(','), undefined);
});

test('past 512 characters the long members go first, from the end', t => {
  const long = (key: string) => `${key}=${'x'.repeat(200)}`;
  t.is(state(`${long('a')},b=1,${long('c')},d=2,${long('e')}`), `${long('a')},b=1,${long('c')},d=2`);
});

test('after the long members the last ones go', t => {
  const members = Array.from({length: 6}, (_, index) => `k${index}=${'x'.repeat(97)}`); // 100 characters each
  t.is(state(members.join(',')), members.slice(0, 5).join(','));
});

test('exactly 512 characters pass, one more does not', t => {
  const members = ['a', 'b', 'c', 'd'].map(key => `${key}=${'x'.repeat(125)}`);
  const exact = members.join(',').replace('a=', 'aa=');
  t.is(exact.length, 512);
  t.is(state(exact), exact);
  t.is(state(exact.replace('b=', 'bb=')), exact.split(',').slice(0, 3).join(',').replace('b=', 'bb='));
});

test('the flags say whether a trace is sampled, with any other bits', t => {
  for (const [flags, expected] of [
    ['00', false],
    ['01', true],
    ['02', false],
    ['03', true],
    ['ff', true],
  ] as const) {
    t.is(isSampled({traceparent: traceparent.replace(/01$/, flags)}), expected, flags);
  }
  t.is(traceIdOf({traceparent}), '0af7651916cd43dd8448eb211c80319c');
});

test('of a key that comes twice the first counts, and it counts once', t => {
  t.is(state('a=1,b=2,a=3'), 'a=1,b=2');
  t.is(state(Array.from({length: 40}, () => 'a=1').join()), 'a=1');
  t.is(state('a=1,a='), undefined);
});

test('@ may stand anywhere in a key but in front, and a key has 256 characters at most', t => {
  for (const key of ['a@', 'a@@b', 'a@b@c', '1@2', 'a'.repeat(256), `a@${'b'.repeat(254)}`]) t.is(state(`${key}=1`), `${key}=1`);
  for (const key of ['@a', '@', '', 'A', 'a.b', 'a b', 'ä', 'a'.repeat(257), `a@${'b'.repeat(255)}`])
    t.is(state(`${key}=1,b=2`), undefined, key);
});

test('a state that is passed on can be read and changed as the SDK does', t => {
  const passed = new PassedState('a@b@c=1,2=2,d=3');
  t.is(passed.serialize(), 'a@b@c=1,2=2,d=3');
  t.is(passed.get('2'), '2');
  t.is(passed.get('a'), undefined);
  t.is(passed.set('d', '4').serialize(), 'd=4,a@b@c=1,2=2');
  t.is(passed.set('D', '4').serialize(), passed.serialize());
  t.is(passed.unset('2').serialize(), 'a@b@c=1,d=3');
  t.is(passed.unset('a@b@c').unset('2').unset('d').serialize(), '');
  t.is(passed.serialize(), 'a@b@c=1,2=2,d=3');
});
