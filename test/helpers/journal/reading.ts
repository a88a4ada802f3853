import type {Fact} from '../../../src/facts.ts';
import type {Durability, Recorded} from '../../../src/journal.ts';
import {all, fact, numbers, type Suite} from './suite.ts';

const strengths: readonly Durability[] = ['buffered', 'process', 'fsync', 'replicated'];

/** What is kept, and what whoever reads finds. */
export function reading({check, dense, durability}: Suite): void {
  check('the expected revision lets the append through', async (t, journal) => {
    const first = await journal.append('a', [fact(1), fact(2)], {expect: 0});
    await journal.append('b', [fact(9)]);
    const second = await journal.append('a', [fact(3)], {expect: first.position});
    t.is((await journal.last('a'))?.position, second.position);
    t.deepEqual(numbers(await all(journal.read('a'))), [1, 2, 3]);
  });

  check('positions start at 1, grow, and are one order for all streams', async (t, journal) => {
    const first = await journal.append('a', [fact(1)]);
    t.is(first.position, dense(1, first.position));
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

  check('an append to several streams keeps all of it: revisions, payloads and the order given', async (t, journal) => {
    const {position: before} = await journal.append('a', [fact(1)]);
    const receipt = await journal.appendAll([
      {stream: 'a', facts: [fact(2), fact(3)], expect: before, payloads: [{name: 'a/request', bytes: Buffer.from('x')}]},
      {stream: 'b', facts: [fact(4)], expect: 0, payloads: [{name: 'b/request', bytes: Buffer.from('y')}]},
    ]);
    t.is((await journal.last('b', {now: true}))?.position, receipt.position);
    t.deepEqual(numbers(await all(journal.scan(''))), [1, 2, 3, 4]);
    for (const [name, text] of [
      ['a/request', 'x'],
      ['b/request', 'y'],
    ] as const) {
      t.deepEqual(await journal.payload(name), new Uint8Array(Buffer.from(text)), name);
    }
    const a = await journal.last('a');
    t.true((a?.position ?? 0) < receipt.position);
    await journal.append('a', [fact(5)], {expect: a?.position ?? 0});
    await journal.append('b', [fact(6)], {expect: receipt.position});
    t.deepEqual(numbers(await all(journal.read('a'))), [1, 2, 3, 5]);
    t.deepEqual(numbers(await all(journal.read('b'))), [4, 6]);
  });

  check('a receipt names the newest fact and promises no less than the engine’s', async (t, journal) => {
    const receipt = await journal.append('a', [fact(1), fact(2), fact(3)]);
    t.is((await journal.last('a'))?.position, receipt.position);
    t.true(strengths.indexOf(receipt.durability) >= strengths.indexOf(durability));
  });

  check('facts that may linger are found by a question about their stream, and come before what is appended later', async (t, journal) => {
    const receipts = [journal.append('a', [fact(1)], {lingers: true})];
    t.like((await journal.last('a', {now: true, isAppended: true}))?.fact, fact(1)); // one that several share adds its core
    receipts.push(journal.append('a', [fact(2)], {lingers: true, payloads: [{name: 'a/x', bytes: Buffer.from('x')}]}));
    receipts.push(journal.append('a', [fact(3)]));
    const kept = await Promise.all(receipts);
    t.deepEqual(numbers(await all(journal.read('a'))), [1, 2, 3]);
    t.is((await journal.last('a', {isAppended: true}))?.position, kept[2]?.position);
    t.deepEqual(await journal.payload('a/x'), new Uint8Array(Buffer.from('x')));
    t.is(await journal.last('b', {isAppended: true}), undefined);
  });

  check('what is read is what was appended, with its stream and wall time', async (t, journal, clock) => {
    // It names a core, as a journal that several share names its own in a fact that names none.
    const odd: Fact = {type: 'runtime.ready', data: {bootMs: 1.5, loaded: false, error: 'é😀\0\n"\\\u2028', core: 'one'}};
    clock.setWall(1_764_000_000_000);
    await journal.append('stream/é\0', [odd, fact(2)]);
    clock.setWall(1_000_000_000_000); // clocks step back; positions do not
    await journal.append('stream/é\0', [fact(3)]);
    const [first, second, third] = await all(journal.read('stream/é\0'));
    const {storedAt, ...told} = first ?? {};
    t.true(storedAt === undefined || Number.isInteger(storedAt));
    t.deepEqual(told, {stream: 'stream/é\0', position: dense(1, first?.position), at: 1_764_000_000_000, fact: odd});
    t.is(second?.at, 1_764_000_000_000);
    t.is(third?.at, 1_000_000_000_000);
    t.deepEqual(await journal.last('stream/é\0'), third);
  });

  check('whoever reads after facts were recorded finds them, in the order in which they came', async (t, journal, clock) => {
    journal.record('invocation.x', [fact(1)]);
    const {position} = await journal.append('invocation.y', [fact(2)]);
    t.is(position, dense(2, position));
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

  check('a request of megabytes comes back whole, appended or only recorded, and so does what replaces it', async (t, journal) => {
    for (const byte of [1, 2]) {
      const bytes = Buffer.alloc(1_500_000 + byte, byte);
      await journal.append('a', [fact(1)], {payloads: [{name: 'a/request', bytes}]});
      journal.record('invocation.b', [fact(2)], [{name: 'invocation.b/request', bytes}]);
      for (const name of ['a/request', 'invocation.b/request']) {
        t.is(Buffer.compare((await journal.payload(name)) ?? Buffer.of(), bytes), 0, name);
      }
    }
  });

  check('reading is not disturbed by what is appended meanwhile', async (t, journal) => {
    await journal.append('a', [fact(1), fact(2), fact(3)]);
    const seen: Recorded[] = [];
    for await (const recorded of journal.read('a')) {
      seen.push(recorded);
      if (seen.length < 10) await journal.append('b', [fact(9)]);
    }
    t.deepEqual(numbers(seen), [1, 2, 3]);
    t.deepEqual(
      seen.map(({position}) => position),
      seen.map(({position}, index) => dense(index + 1, position)),
    );
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
}
