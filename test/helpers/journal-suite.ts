import test, {type ExecutionContext} from 'ava';
import type {Clock} from '../../src/clock.ts';
import {Fault} from '../../src/errors.ts';
import type {Fact} from '../../src/facts.ts';
import {type Durability, type Journal, type Recorded, RevisionConflict} from '../../src/journal.ts';
import {ManualClock, settle} from './clock.ts';

/** Opens an empty journal; what it leaves behind is gone when the test ends. */
export type OpenJournal = (t: ExecutionContext, clock: Clock) => Journal | Promise<Journal>;

const strengths: readonly Durability[] = ['buffered', 'process', 'fsync', 'replicated'];

export const fact = (bytes: number): Fact => ({type: 'invocation.accepted', data: {source: 'test', bytes, attempt: 1}});

export async function all(recorded: AsyncIterable<Recorded>): Promise<Recorded[]> {
  const list: Recorded[] = [];
  for await (const each of recorded) list.push(each);
  return list;
}

/** Which fact it was, by its number. */
export const numbers = (list: readonly Recorded[]) => list.map(({fact: {data}}) => ('bytes' in data ? data.bytes : undefined));

/** What every engine does. Refusals first. */
export function journalSuite(title: string, open: OpenJournal, {durability = 'buffered'}: {durability?: Durability} = {}): void {
  const check = (behaviour: string, body: (t: ExecutionContext, journal: Journal, clock: ManualClock) => Promise<void>) =>
    test(`${title}: ${behaviour}`, async t => {
      const clock = new ManualClock();
      await using journal = await open(t, clock);
      await body(t, journal, clock);
    });

  check('a stream that exists is not begun again', async (t, journal) => {
    await journal.append('a', [fact(1)], {expect: 0});
    const conflict = await t.throwsAsync(journal.append('a', [fact(2)], {expect: 0}), {instanceOf: RevisionConflict});
    t.is((conflict as RevisionConflict | undefined)?.actual, 1);
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
    for (const stream of ['runtime.a', 'invocation.a', 'invocation.01a2068b-f0ed-7c75-9692-646cebce9a7c']) {
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

  check('the expected revision lets the append through', async (t, journal) => {
    const first = await journal.append('a', [fact(1), fact(2)], {expect: 0});
    await journal.append('b', [fact(9)]);
    const second = await journal.append('a', [fact(3)], {expect: first.position});
    t.is((await journal.last('a'))?.position, second.position);
    t.deepEqual(numbers(await all(journal.read('a'))), [1, 2, 3]);
  });

  check('positions start at 1, grow, and are one order for all streams', async (t, journal) => {
    const first = await journal.append('a', [fact(1)]);
    t.is(first.position, 1);
    const receipts = await Promise.all(Array.from({length: 50}, (_, index) => journal.append(`s${index % 7}`, [fact(index), fact(index)])));
    const positions = receipts.map(({position}) => position);
    t.deepEqual(
      positions,
      positions.toSorted((a, b) => a - b),
    );
    t.is(new Set(positions).size, 50);
    for (let stream = 0; stream < 7; stream++) {
      const read = (await all(journal.read(`s${stream}`))).map(({position}) => position);
      t.deepEqual(
        read,
        read.toSorted((a, b) => a - b),
      );
    }
  });

  check('a receipt names the newest fact and promises no less than the engine’s', async (t, journal) => {
    const receipt = await journal.append('a', [fact(1), fact(2), fact(3)]);
    t.is((await journal.last('a'))?.position, receipt.position);
    t.true(strengths.indexOf(receipt.durability) >= strengths.indexOf(durability));
  });

  check('what is read is what was appended, with its stream and wall time', async (t, journal, clock) => {
    const odd: Fact = {type: 'runtime.ready', data: {bootMs: 1.5, loaded: false, error: 'é😀\0\n"\\\u2028'}};
    clock.setWall(1_764_000_000_000);
    await journal.append('stream/é\0', [odd, fact(2)]);
    clock.setWall(1_000_000_000_000); // clocks step back; positions do not
    await journal.append('stream/é\0', [fact(3)]);
    const [first, second, third] = await all(journal.read('stream/é\0'));
    t.deepEqual(first, {stream: 'stream/é\0', position: 1, at: 1_764_000_000_000, fact: odd});
    t.is(second?.at, 1_764_000_000_000);
    t.is(third?.at, 1_000_000_000_000);
    t.deepEqual(await journal.last('stream/é\0'), third);
  });

  check('whoever reads after facts were recorded finds them, in the order in which they came', async (t, journal, clock) => {
    journal.record('invocation.x', [fact(1)]);
    const {position} = await journal.append('invocation.y', [fact(2)]);
    t.is(position, 2);
    clock.setWall(1_764_000_000_000);
    journal.record('runtime.z', [fact(3), fact(4)]);
    journal.record('invocation.x', [fact(5)]);
    t.deepEqual(numbers(await all(journal.read('invocation.x'))), [1, 5]);
    t.is((await journal.last('invocation.x'))?.at, 1_764_000_000_000);
    t.deepEqual(numbers(await all(journal.read('runtime.z'))), [3, 4]);
    t.deepEqual(numbers(await all(journal.scan(''))), [1, 2, 3, 4, 5]);
    t.deepEqual(numbers(await all(journal.scan('invocation.'))), [1, 2, 5]);
    t.deepEqual(numbers(await all(journal.scan('invo'))), [1, 2, 5]);
  });

  check('recorded facts reach whoever follows', async (t, journal) => {
    const stop = new AbortController();
    const seen: Recorded[] = [];
    const following = (async () => {
      for await (const recorded of journal.follow({after: 0, signal: stop.signal})) {
        seen.push(recorded);
        if (seen.length === 2) stop.abort();
      }
    })();
    await settle();
    journal.record('invocation.x', [fact(1)]);
    await settle();
    journal.record('invocation.x', [fact(2)]);
    await following;
    t.deepEqual(numbers(seen), [1, 2]);
  });

  check('a payload comes back byte for byte, and a name that is used again has the newer bytes', async (t, journal) => {
    const bytes = Buffer.from(Array.from({length: 3000}, (_, index) => index % 256));
    await journal.append('a', [fact(1)], {
      payloads: [
        {name: 'a/request', bytes},
        {name: 'a/é\0', bytes: Buffer.alloc(0)},
      ],
    });
    journal.record('invocation.b', [fact(2)], [{name: 'b', bytes: bytes.subarray(7, 9)}]);
    t.deepEqual(Buffer.from((await journal.payload('a/request')) ?? []), bytes);
    t.is((await journal.payload('a/é\0'))?.length, 0);
    t.deepEqual([...((await journal.payload('b')) ?? [])], [7, 8]);
    journal.record('invocation.b', [fact(3)], [{name: 'b', bytes: Buffer.from('new')}]);
    t.is(Buffer.from((await journal.payload('b')) ?? []).toString(), 'new');
  });

  check('reading is not disturbed by what is appended meanwhile', async (t, journal) => {
    await journal.append('a', [fact(1), fact(2), fact(3)]);
    const seen: number[] = [];
    for await (const {position} of journal.read('a')) {
      seen.push(position);
      if (seen.length < 10) await journal.append('b', [fact(9)]);
    }
    t.deepEqual(seen, [1, 2, 3]);
  });

  check('scanning gives the facts of every stream whose name begins so, in order, and no other', async (t, journal) => {
    t.deepEqual(await all(journal.scan('')), []);
    await journal.append('schedule.b', [fact(1)]);
    await journal.append('schedule.a', [fact(2), fact(3)]);
    await journal.append('schedul', [fact(4)]);
    await journal.append('schedule/', [fact(5)]);
    await journal.append('Schedule.c', [fact(6)]);
    await journal.append('schedule.é%_*', [fact(7)]);
    await journal.append('schedule.b', [fact(8)]);
    t.deepEqual(numbers(await all(journal.scan('schedule.'))), [1, 2, 3, 7, 8]);
    t.deepEqual(numbers(await all(journal.scan('schedule.é%_*'))), [7]);
    t.deepEqual(numbers(await all(journal.scan('schedule.%'))), []);
    t.deepEqual(numbers(await all(journal.scan(''))), [1, 2, 3, 4, 5, 6, 7, 8]);
  });

  check('following gives nothing once aborted, before or after', async (t, journal) => {
    await journal.append('a', [fact(1)]);
    t.deepEqual(await all(journal.follow({after: 0, signal: AbortSignal.abort()})), []);
    const stop = new AbortController();
    const following = all(journal.follow({after: 1, signal: stop.signal}));
    await settle();
    stop.abort();
    t.deepEqual(await following, []);
  });

  check('following gives every fact after a position, of every stream, then new ones as they come', async (t, journal) => {
    await journal.append('a', [fact(1), fact(2)]);
    const stop = new AbortController();
    const seen: Recorded[] = [];
    const following = (async () => {
      for await (const recorded of journal.follow({after: 1, signal: stop.signal})) {
        seen.push(recorded);
        if (seen.length === 4) stop.abort();
      }
    })();
    await settle();
    await journal.append('b', [fact(3)]);
    await settle();
    await journal.append('a', [fact(4), fact(5), fact(6)]);
    await following;
    t.deepEqual(numbers(seen), [2, 3, 4, 5]);
    t.deepEqual(
      seen.map(({stream}) => stream),
      ['a', 'b', 'a', 'a'],
    );
  });

  check('several follow at once, each from its own position', async (t, journal) => {
    await journal.append('a', [fact(1)]);
    const take = async (after: number) => {
      const stop = new AbortController();
      const seen: Recorded[] = [];
      for await (const recorded of journal.follow({after, signal: stop.signal})) {
        seen.push(recorded);
        if (recorded.position === 3) stop.abort();
      }
      return numbers(seen);
    };
    const following = [take(0), take(1), take(2)];
    await settle();
    await journal.append('a', [fact(2)]);
    await journal.append('a', [fact(3)]);
    t.deepEqual(await Promise.all(following), [[1, 2, 3], [2, 3], [3]]);
  });

  check('who stops following early holds nothing up', async (t, journal) => {
    await journal.append('a', [fact(1), fact(2)]);
    for await (const recorded of journal.follow({after: 0, signal: new AbortController().signal})) {
      t.is(recorded.position, 1);
      break;
    }
    t.is((await journal.append('a', [fact(3)])).position, 3);
  });

  test(`${title}: closing ends every follower`, async t => {
    const journal = await open(t, new ManualClock());
    await journal.append('a', [fact(1)]);
    const following = all(journal.follow({after: 0, signal: new AbortController().signal}));
    await settle();
    await journal[Symbol.asyncDispose]();
    t.deepEqual(numbers(await following), [1]);
  });
}
