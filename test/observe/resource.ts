import test from 'ava';
import fc from 'fast-check';
import {describedResource} from '../../src/observe/traces/resource.ts';

const cases: [given: string, attributes: Record<string, string>, doubts: readonly RegExp[]][] = [
  ['', {}, []],
  [' , ,', {}, []],
  ['a=1', {a: '1'}, []],
  [' a = 1 , b=2,', {a: '1', b: '2'}, []],
  ['a=', {a: ''}, []],
  ['a=1,a=2', {a: '2'}, []],
  ['deployment.environment.name=test', {'deployment.environment.name': 'test'}, []],
  ['a%2Cb=1%3D2%2C3,c=%C3%A9%20', {'a,b': '1=2,3', c: 'é '}, []],
  ['k=a=b', {k: 'a=b'}, [/%3D, got `k=a=b`: it is taken/]],
  ['k==', {k: '='}, [/%3D/]],
  ['good=1,bad', {good: '1'}, [/key=value, got `bad`: it is left out/]],
  ['bad,=1,good=1', {good: '1'}, [/got `bad`/, /a key before =, got `=1`/]],
  ['a=100%,b=1', {a: '100%', b: '1'}, [/%25, got `a=100%`/]],
  ['a%=1', {'a%': '1'}, [/%25/]],
  ['a=%ff', {a: '%ff'}, [/%25/]],
  [`a=${'x'.repeat(1000)}`, {a: 'x'.repeat(1000)}, []],
];
for (const [given, attributes, doubts] of cases) {
  test(`OTEL_RESOURCE_ATTRIBUTES=${given.slice(0, 40)} is read, and what is doubtful in it reported`, t => {
    const read = describedResource({OTEL_RESOURCE_ATTRIBUTES: given});
    t.deepEqual(read.attributes, attributes);
    t.is(read.doubts.length, doubts.length);
    for (const [index, doubt] of doubts.entries()) t.regex(read.doubts[index] ?? '', doubt);
  });
}

test('the name of the service wins over the attribute', t => {
  t.deepEqual(describedResource({OTEL_SERVICE_NAME: ' b ', OTEL_RESOURCE_ATTRIBUTES: 'service.name=a,x=1'}).attributes, {
    'service.name': 'b',
    x: '1',
  });
  t.deepEqual(describedResource({OTEL_SERVICE_NAME: ' '}).attributes, {});
});

test('everything that is encoded comes back, without a warning', t => {
  // Not halves of surrogate pairs: they cannot be encoded.
  const text = fc.oneof(fc.string(), fc.string({unit: 'grapheme'}), fc.constantFrom('__proto__', 'constructor', '%', '=', ',', ' '));
  fc.assert(
    fc.property(fc.dictionary(text, text, {maxKeys: 5, noNullPrototype: true}), given => {
      const kept = Object.fromEntries(Object.entries(given).filter(([key]) => key !== ''));
      const written = Object.entries(kept).map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`);
      const {attributes, doubts} = describedResource({OTEL_RESOURCE_ATTRIBUTES: written.join()});
      t.deepEqual(attributes, kept);
      return doubts.length === 0;
    }),
  );
});
