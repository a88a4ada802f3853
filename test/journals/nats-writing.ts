import {randomUUID} from 'node:crypto';
import test from 'ava';
import {Away, type Message, type Transport} from '../../src/journals/nats/transport.ts';
import {Writing} from '../../src/journals/nats/writing.ts';
import {ManualClock, settle} from '../helpers/clock.ts';

/* How long a write waits for its answer before it is sent again. */

interface Asked {
  readonly ms: number | undefined;
  readonly answer: PromiseWithResolvers<Message>;
}

function open() {
  const clock = new ManualClock();
  const asked: Asked[] = [];
  const transport = {
    mostBytes: 2 ** 20,
    request(_subject: string, _body: string, _fields: object, ms?: number) {
      const answer = Promise.withResolvers<Message>();
      asked.push({ms, answer});
      return answer.promise;
    },
  } as unknown as Transport; // as far as it is used
  const writing = new Writing(transport, {clock, closing: new AbortController().signal});
  return {
    clock,
    asked,
    write: () => writing.write(randomUUID(), [{subject: 'a', body: ''}]),
    /** The servers answer, or are late. */
    async end(at: number, isLate = false) {
      const kept: Message = {subject: '', reply: '', code: 0, field: () => '', body: Buffer.from('{"seq":1}')};
      if (isLate) asked[at]?.answer.reject(new Away('late', {isLate: true}));
      else asked[at]?.answer.resolve(kept);
      await settle();
    },
  };
}

test('a write to a server that fell silent, whatever was answered just before, is sent again as soon as any', async t => {
  const {clock, asked, write, end} = open();
  const all = [write(), write()];
  await settle();
  await clock.advance(100);
  await end(0);
  await clock.advance(1900);
  await end(1, true);
  await clock.advance(20);
  t.deepEqual(
    asked.map(({ms}) => ms),
    [undefined, undefined, undefined],
  );
  await end(2);
  await Promise.all(all);
});

test('a write to a server that answers others late is given more time: sent again, it would make the server later', async t => {
  const {clock, asked, write, end} = open();
  const all = [write(), write()];
  await settle();
  await clock.advance(1500);
  await end(0);
  await clock.advance(500);
  await end(1, true);
  await clock.advance(20);
  t.deepEqual(
    asked.map(({ms}) => ms),
    [undefined, undefined, 8000],
  );
  await end(2);
  await Promise.all(all);
});
