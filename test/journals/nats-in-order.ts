import test from 'ava';
import {InOrder} from '../../src/journals/nats/in-order.ts';
import {ManualClock, settle} from '../helpers/clock.ts';

/* In which order appends to one stream are begun that nobody has waited for. */

function ordered() {
  const clock = new ManualClock();
  const inOrder = new InOrder(clock);
  const begun: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<string>>();
  return {
    clock,
    begun,
    append: (name: string, ...appends: {stream: string; expect?: number}[]) =>
      inOrder.run(appends, () => {
        const end = Promise.withResolvers<string>();
        ends.set(name, end);
        begun.push(name);
        return end.promise;
      }),
    async end(name: string, error?: Error) {
      if (error) ends.get(name)?.reject(error);
      else ends.get(name)?.resolve(name);
      await settle();
    },
  };
}

test('an append waits for those before it on its streams, however they end, and for no other', async t => {
  const {clock, begun, append, end} = ordered();
  const first = append('first', {stream: 'a'});
  const failing = append('failing', {stream: 'a'});
  const both = append('both', {stream: 'b'}, {stream: 'a'});
  const other = append('other', {stream: 'c'});
  const last = append('last', {stream: 'b'});
  await settle();
  t.deepEqual(begun, ['first', 'other']);
  await end('first');
  t.deepEqual(begun, ['first', 'other', 'failing']);
  const failed = t.throwsAsync(failing, {message: 'away'});
  await end('failing', new Error('away'));
  await failed;
  t.deepEqual(begun, ['first', 'other', 'failing', 'both']);
  await end('both');
  t.deepEqual(begun, ['first', 'other', 'failing', 'both', 'last']);
  await end('last');
  await end('other');
  t.deepEqual(await Promise.all([first, both, other, last]), ['first', 'both', 'other', 'last']);
  t.is(clock.pending, 0);
  void append('later', {stream: 'a'});
  t.is(begun.at(-1), 'later', 'nothing is on its way any more');
});

test('one that names the revision that it follows waits for none, and is waited for', async t => {
  const {begun, append, end} = ordered();
  void append('first', {stream: 'a'});
  void append('guarded', {stream: 'a', expect: 7});
  void append('last', {stream: 'a'});
  await settle();
  t.deepEqual(begun, ['first', 'guarded']);
  await end('first');
  t.deepEqual(begun, ['first', 'guarded']);
  await end('guarded');
  t.deepEqual(begun, ['first', 'guarded', 'last']);
});

test('an append waits no longer than one is tried', async t => {
  const {clock, begun, append} = ordered();
  for (const name of ['first', 'second', 'third']) void append(name, {stream: 'a'});
  await clock.advance(14_999);
  t.deepEqual(begun, ['first']);
  await clock.advance(1);
  t.deepEqual(begun, ['first', 'second', 'third']);
});
