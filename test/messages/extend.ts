import test from 'ava';
import {Extending} from '../../src/messages/extend.ts';
import type {Message} from '../../src/messages/message.ts';
import {ManualClock} from '../helpers/clock.ts';

const messageOf = (told: string[], name: string, clock: ManualClock) =>
  ({
    async extend() {
      told.push(`${name} ${clock.monotonic()}`);
      throw new Error('the broker has gone');
    },
  }) as unknown as Message; // nothing else of it is used

test('each message is extended in its own time, until it has ended', async t => {
  const [clock, told] = [new ManualClock(), [] as string[]];
  const extending = new Extending({extendMs: 100}, clock);
  const [a, b] = [messageOf(told, 'a', clock), messageOf(told, 'b', clock)];
  extending.begin(a);
  await clock.advance(30);
  extending.begin(b);
  await clock.advance(215);
  extending.end(a);
  await clock.advance(100);
  extending.end(b);
  await clock.advance(1000);
  t.deepEqual(told, ['a 100', 'b 130', 'a 200', 'b 230', 'b 330']);
  t.is(clock.pending, 0);
});

test('where nothing runs out, nothing is extended', async t => {
  const [clock, told] = [new ManualClock(), [] as string[]];
  new Extending({}, clock).begin(messageOf(told, 'a', clock));
  t.is(clock.pending, 0);
});
