import test from 'ava';
import fc from 'fast-check';
import {shareDescriptors} from '../src/limits/descriptors.ts';

test('with many descriptors, memory sets the limits', t => {
  t.like(shareDescriptors(1_048_576), {callers: 10_000, admin: 2048});
  t.true(shareDescriptors(1_048_576).calls > 10_000);
});

test('with few, callers, calls and the private listener have their shares, and a reserve is left', t => {
  t.deepEqual(shareDescriptors(1024), {callers: 420, admin: 120, calls: 420});
  t.deepEqual(shareDescriptors(128), {callers: 28, admin: 8, calls: 28});
});

test('at every limit each part gets something, and past 86 the reserve of 64 is never given away', t => {
  fc.assert(
    fc.property(fc.integer({min: 1, max: 2 ** 31}), limit => {
      const {callers, admin, calls} = shareDescriptors(limit);
      if (callers < 1 || admin < 1 || calls < 1) return false;
      return limit < 86 || callers + admin + calls <= limit - 64;
    }),
  );
  t.pass();
});

test('where the system does not say, only memory sets limits', t => {
  t.deepEqual(shareDescriptors(undefined).calls > 0, true);
});
