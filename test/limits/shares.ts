import test from 'ava';
import fc from 'fast-check';
import {divideMemory} from '../../src/limits/shares.ts';

const mebibyte = 2 ** 20;

test('from 1 GiB on, the shares stay the same', t => {
  const {limitBytes, coreBytes, heapBytes, ...ample} = divideMemory(1024 * mebibyte);
  t.like(divideMemory(64 * 1024 * mebibyte), ample);
  t.like(ample, {inflightBytes: 128 * mebibyte, journalBytes: 32 * mebibyte, logBytes: 24 * mebibyte, isScarce: false, isSmall: false});
});

test('below, they shrink with the memory', t => {
  t.like(divideMemory(512 * mebibyte), {inflightBytes: 64 * mebibyte, journalBytes: 16 * mebibyte, isScarce: true, isSmall: false});
  t.like(divideMemory(128 * mebibyte), {inflightBytes: 16 * mebibyte, journalBytes: 4 * mebibyte, logBytes: 3 * mebibyte, isSmall: true});
});

test('a body that fits with all its copies is let in, over HTTP a smaller one', t => {
  const largest = (megabytes: number) => divideMemory(megabytes * mebibyte).largestBodyBytes;
  t.deepEqual(largest(1024), {channel: Number.POSITIVE_INFINITY, http: Number.POSITIVE_INFINITY});
  t.true(largest(128).channel > 6 * mebibyte);
  t.true(largest(128).http > 2 * mebibyte && largest(128).http < 3 * mebibyte);
  t.true(largest(16).http > 0 && largest(16).channel > 0);
});

test('core processes divide the shares', t => {
  const [one, four] = [divideMemory(1024 * mebibyte), divideMemory(1024 * mebibyte, 4)];
  t.is(four.inflightBytes, one.inflightBytes / 4);
  t.is(four.journalBytes, one.journalBytes / 4);
  t.is(four.limitBytes, one.limitBytes);
});

test('a function keeps the heap that it had beside a core without limits of its own', t => {
  t.is(divideMemory(512 * mebibyte).functionHeapBytes, undefined);
  t.is(divideMemory(256 * mebibyte).functionHeapBytes, (256 - 52) * mebibyte);
  t.is(divideMemory(128 * mebibyte).functionHeapBytes, (128 - 52) * mebibyte);
});

test('what is held for others never takes more than a quarter of the memory', t => {
  fc.assert(
    fc.property(fc.integer({min: 2 ** 20, max: 2 ** 40}), fc.integer({min: 1, max: 64}), (limitBytes, processes) => {
      const {inflightBytes, journalBytes, logBytes} = divideMemory(limitBytes, processes);
      return inflightBytes >= 1 && (inflightBytes + journalBytes + logBytes) * processes <= limitBytes / 4 + 3 * processes;
    }),
  );
  t.pass();
});
