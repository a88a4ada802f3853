import test from 'ava';
import fc from 'fast-check';
import {admit, keeps} from '../../src/journals/sqlite/admission.ts';
import type {Command} from '../../src/journals/sqlite/messages.ts';
import {roomOf} from '../../src/journals/sqlite/room.ts';

const mebi = 2 ** 20;
const payload = (length: number) => ({name: 'invocation.a/request', bytes: Buffer.alloc(length)});
const loose = (...lengths: number[]): Command => ({stream: undefined, lines: Buffer.from('x\n'), count: 1, payloads: lengths.map(payload)});
const begins = (length = 0): Command => ({stream: 'invocation.b', text: 'b\n', count: 1, begins: true, payloads: [payload(length)]});
const ends = (length = 0): Command => ({stream: 'invocation.b', text: 'e\n', count: 1, begins: false, payloads: [payload(length)]});

test('without room recorded payloads go first, then work that has not begun is refused, then recorded facts go; an end never', t => {
  const commands = [loose(10, 20), begins(30), ends(40)];
  const written = (level: number) => {
    const {commands: admitted, facts, payloads} = admit(commands, level, mebi, 'why');
    return [admitted.map(each => ('refused' in each ? each.refused : [each.count, each.payloads?.length ?? 0])), facts, payloads];
  };
  t.deepEqual(written(keeps.all), [
    [
      [1, 2],
      [1, 1],
      [1, 1],
    ],
    0,
    0,
  ]);
  t.deepEqual(written(keeps.noRecordedPayloads), [
    [
      [1, 0],
      [1, 1],
      [1, 1],
    ],
    0,
    2,
  ]);
  t.deepEqual(written(keeps.nothingNew), [[[1, 0], 'why', [1, 1]], 0, 2]);
  t.deepEqual(written(keeps.onlyEnds), [[[0, 0], 'why', [1, 1]], 1, 2]);
});

test('past what one commit may hold, recorded payloads are left out, work is refused, and an end goes without its reply', t => {
  const {commands, payloads} = admit([loose(60, 60, 30), begins(101), ends(101)], keeps.all, 100, 'why');
  t.is(payloads, 2);
  t.deepEqual(
    commands.map(each => ('refused' in each ? 'refused' : each.payloads?.map(({bytes}) => bytes.length))),
    [[60, 30], 'refused', []],
  );
});

test('at every size, database, held log, one more commit and the reserve stay within 1.25 times the size and 16 MiB', t => {
  fc.assert(
    fc.property(fc.integer({min: mebi, max: 2 ** 40}), fc.integer({min: mebi, max: 2 ** 45}), (maxBytes, diskBytes) => {
      const {most, payloads, heldLog, reserve, log} = roomOf(maxBytes, diskBytes);
      t.true(reserve >= 2 * log);
      return most + heldLog + mebi + payloads <= 1.25 * maxBytes + 16 * mebi && reserve <= Math.max(diskBytes / 8, 2 ** 17);
    }),
  );
});

test('a journal of any size takes no payload that SQLite does not take, and lets no log grow that takes minutes to empty', t => {
  const {payloads, heldLog} = roomOf(2 ** 40, 2 ** 45);
  t.true(payloads < 1e9);
  t.is(heldLog, roomOf(2 ** 30, 2 ** 45).heldLog);
});
