import test from 'ava';
import type {Recorded} from '../../../src/journal.ts';
import {ManualClock, settle} from '../clock.ts';
import {all, fact, numbers, type Suite} from './suite.ts';

/** What a follower sees. */
export function following({title, open, check, dense}: Suite): void {
  check('a follower of some streams sees no others, and misses none', async (t, journal) => {
    await journal.append('a.1', [fact(1)]);
    const abort = new AbortController();
    const seen = (async () => {
      const list: Recorded[] = [];
      for await (const recorded of journal.follow({after: 0, signal: abort.signal, prefix: 'a.'})) {
        list.push(recorded);
        if (list.length === 4) abort.abort();
      }
      return numbers(list);
    })();
    for (let index = 0; index < 50; index++) await journal.append('b.1', [fact(100 + index)]);
    await journal.append('a.2', [fact(2)]);
    journal.record('b.2', [fact(200)]);
    journal.record('a.1', [fact(3)]);
    await journal.append('a', [fact(300)]);
    await journal.append('a.3', [fact(4)]);
    t.deepEqual(await seen, [1, 2, 3, 4]);
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

  check('following gives nothing once aborted, before or after', async (t, journal) => {
    const {position: after} = await journal.append('a', [fact(1)]);
    t.deepEqual(await all(journal.follow({after: 0, signal: AbortSignal.abort()})), []);
    const stop = new AbortController();
    const following = all(journal.follow({after, signal: stop.signal}));
    await settle();
    stop.abort();
    t.deepEqual(await following, []);
  });

  check('following gives every fact after a position, of every stream, then new ones as they come', async (t, journal) => {
    await journal.append('a', [fact(1), fact(2)]);
    const [first] = await all(journal.read('a'));
    const stop = new AbortController();
    const seen: Recorded[] = [];
    const following = (async () => {
      for await (const recorded of journal.follow({after: first?.position ?? 0, signal: stop.signal})) {
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
    const [one, two] = [await journal.append('a', [fact(1)]), await journal.append('a', [fact(2)])];
    const take = async (after: number) => {
      const stop = new AbortController();
      const seen: Recorded[] = [];
      for await (const recorded of journal.follow({after, signal: stop.signal})) {
        seen.push(recorded);
        if (numbers([recorded])[0] === 3) stop.abort();
      }
      return numbers(seen);
    };
    const following = [take(0), take(one.position), take(two.position)];
    await settle();
    await journal.append('a', [fact(3)]);
    t.deepEqual(await Promise.all(following), [[1, 2, 3], [2, 3], [3]]);
  });

  check('who stops following early holds nothing up', async (t, journal) => {
    await journal.append('a', [fact(1), fact(2)]);
    for await (const recorded of journal.follow({after: 0, signal: new AbortController().signal})) {
      t.is(recorded.position, dense(1, recorded.position));
      break;
    }
    const {position} = await journal.append('a', [fact(3)]);
    t.is(position, dense(3, position));
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
