import {join} from 'node:path';
import test from 'ava';
import {Headroom} from '../../src/journals/sqlite/headroom.ts';
import {newFolder} from '../helpers/journal-place.ts';
import {hour} from '../helpers/sqlite-journal.ts';

const gibi = 2 ** 30;

test('a commit removes no more than about a GiB, and the next ones go on', async t => {
  const retention = {factsMs: hour, payloadsMs: hour, maxBytes: gibi};
  const headroom = new Headroom(join(await newFolder(t), 'facts.db'), retention, () => {});
  const store = {
    bytes: 4 * gibi,
    sweep() {
      store.bytes -= 2 ** 26;
      return {payloads: 0, early: 0, next: 1, damaged: []};
    },
  };
  t.false(headroom.makeRoom(store, 1, 0));
  t.true(store.bytes > 2.9 * gibi && store.bytes < 3 * gibi, `${store.bytes}`);
  t.false(headroom.makeRoom(store, 1, 0), 'the second one goes on');
  t.true(store.bytes < 2 * gibi, `${store.bytes}`);
  t.true(headroom.makeRoom(store, 1, 0));
});
