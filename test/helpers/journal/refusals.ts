import test from 'ava';
import {Fault} from '../../../src/errors.ts';
import {mostAtOnce, RevisionConflict} from '../../../src/journal.ts';
import {ManualClock} from '../clock.ts';
import {all, fact, numbers, type Suite} from './suite.ts';

/** What an engine refuses. */
export function refusals({title, open, check, dense, countsRecorded}: Suite): void {
  check('a stream that exists is not begun again', async (t, journal) => {
    const {position} = await journal.append('a', [fact(1)], {expect: 0});
    const conflict = await t.throwsAsync(journal.append('a', [fact(2)], {expect: 0}), {instanceOf: RevisionConflict});
    t.is(position, dense(1, position));
    t.is((conflict as RevisionConflict | undefined)?.actual, position);
    t.deepEqual(numbers(await all(journal.read('a'))), [1]);
  });

  check('another revision than the expected one refuses the append, and nothing is written', async (t, journal) => {
    const {position} = await journal.append('a', [fact(1), fact(2)]);
    for (const expect of [0, position - 1, position + 1, -1]) {
      await t.throwsAsync(journal.append('a', [fact(3), fact(4)], {expect}), {instanceOf: RevisionConflict}, String(expect));
    }
    await t.throwsAsync(journal.append('b', [fact(3)], {expect: position}), {instanceOf: RevisionConflict});
    t.deepEqual(numbers(await all(journal.read('a'))), [1, 2]);
    t.deepEqual(await all(journal.read('b')), []);
    const next = await journal.append('c', [fact(5)]);
    t.true(next.position > position);
  });

  check('of many who begin a stream at once, one succeeds', async (t, journal) => {
    const results = await Promise.allSettled(Array.from({length: 20}, (_, index) => journal.append('a', [fact(index)], {expect: 0})));
    t.is(results.filter(({status}) => status === 'fulfilled').length, 1);
    t.is((await all(journal.read('a'))).length, 1);
  });

  check('a conflict of one does not fail its neighbours', async (t, journal) => {
    await journal.append('a', [fact(0)]);
    const results = await Promise.allSettled([
      journal.append('b', [fact(1)]),
      journal.append('a', [fact(2)], {expect: 0}),
      journal.append('c', [fact(3)], {expect: 0}),
    ]);
    t.deepEqual(
      results.map(({status}) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    t.deepEqual(numbers(await all(journal.read('b'))), [1]);
    t.deepEqual(numbers(await all(journal.read('c'))), [3]);
  });

  check('of an append to several streams nothing is kept when one of them is refused, and the error names that one', async (t, journal) => {
    const {position} = await journal.append('b', [fact(1)]);
    const payloads = [{name: 'a/request', bytes: Buffer.from('x')}];
    const refused = () =>
      journal.appendAll([
        {stream: 'a', facts: [fact(2), fact(3)], expect: 0, payloads},
        {stream: 'b', facts: [fact(4)], expect: 0},
        {stream: 'c', facts: [fact(5)]},
      ]);
    const error = await t.throwsAsync(refused, {instanceOf: RevisionConflict});
    t.is(error.stream, 'b');
    t.is(error.actual, position);
    for (const stream of ['a', 'c']) t.is(await journal.last(stream), undefined, stream);
    t.is(await journal.payload('a/request'), undefined);
    t.deepEqual(numbers(await all(journal.read('b'))), [1]);
  });

  check('what no append to several streams may be is refused before anything is written', async (t, journal) => {
    const twice = () =>
      journal.appendAll([
        {stream: 'a', facts: [fact(1)]},
        {stream: 'a', facts: [fact(2)]},
      ]);
    await t.throwsAsync(twice, {instanceOf: TypeError, message: /Stream a is named twice/});
    const many = Array.from({length: mostAtOnce}, (_, index) => fact(index));
    const tooMany = () =>
      journal.appendAll([
        {stream: 'a', facts: [fact(0), ...many.slice(1)]},
        {stream: 'b', facts: [fact(0)]},
      ]);
    await t.throwsAsync(tooMany, {instanceOf: RangeError, message: /65 facts.*64/});
    for (const stream of ['a', 'b']) t.is(await journal.last(stream), undefined, stream);
  });

  check('of appends to several streams that share one, exactly one wins', async (t, journal) => {
    const results = await Promise.allSettled(
      Array.from({length: 20}, (_, index) =>
        journal.appendAll([
          {stream: `own.${index}`, facts: [fact(index)], expect: 0},
          {stream: 'shared', facts: [fact(index)], expect: 0},
        ]),
      ),
    );
    const winners = results.flatMap(({status}, index) => (status === 'fulfilled' ? [index] : []));
    t.is(winners.length, 1);
    t.deepEqual(numbers(await all(journal.read('shared'))), winners);
    t.deepEqual(numbers(await all(journal.scan('own.'))), winners);
  });

  check('a payload nobody kept is none, and one of a refused append is not kept', async (t, journal) => {
    await journal.append('a', [fact(1)]);
    const payloads = [{name: 'a/request', bytes: Buffer.from('x')}];
    await t.throwsAsync(journal.append('a', [fact(2)], {expect: 0, payloads}), {instanceOf: RevisionConflict});
    for (const name of ['a/request', 'a', '', '__proto__']) t.is(await journal.payload(name), undefined, name);
  });

  test(`${title}: once closed, an append is refused, and what is only recorded is dropped`, async t => {
    const journal = await open(t, new ManualClock());
    await journal[Symbol.asyncDispose]();
    await t.throwsAsync(journal.append('a', [fact(1)]), {instanceOf: Fault, code: 'JOURNAL_FAILED'});
    t.notThrows(() => journal.record('a', [fact(1)]));
    await t.notThrowsAsync(async () => journal[Symbol.asyncDispose](), 'closing twice');
  });

  check('what was recorded counts as the revision of its stream', async (t, journal) => {
    const invocations = ['invocation.a', 'invocation.01a2068b-f0ed-7c75-9692-646cebce9a7c'];
    for (const stream of ['runtime.a', ...(countsRecorded ? invocations : [])]) {
      journal.record(stream, [fact(1)]);
      await t.throwsAsync(journal.append(stream, [fact(2)], {expect: 0}), {instanceOf: RevisionConflict});
      const actual = (await journal.last(stream))?.position ?? 0;
      await journal.append(stream, [fact(3)], {expect: actual});
      t.deepEqual(numbers(await all(journal.read(stream))), [1, 3]);
    }
  });

  check('an unknown stream is empty', async (t, journal) => {
    await journal.append('a', [fact(1)]);
    for (const stream of ['b', '', 'A', 'a ', '__proto__', 'constructor']) {
      t.is(await journal.last(stream), undefined, stream);
      t.deepEqual(await all(journal.read(stream)), [], stream);
    }
  });
}
