import {EventEmitter} from 'node:events';
import test from 'ava';
import {type Answers, Channel} from '../../src/serve/siblings/wire.ts';
import {ManualClock, settle} from '../helpers/clock.ts';

type ToServer = {readonly double: readonly [number, number]; readonly note: readonly [string, undefined]};
type ToClient = {readonly name: readonly [undefined, string]};

/** Two ends of one channel; what is sent is copied, as between processes. */
function pair(server: Answers<ToServer>, client: Answers<ToClient> = {name: () => 'client'}, clock = new ManualClock()) {
  const [left, right] = [new EventEmitter(), new EventEmitter()];
  const wire = (own: EventEmitter, other: EventEmitter) => ({
    send: (message: unknown) => void setImmediate(() => other.emit('message', structuredClone(message))),
    on: (event: 'message', listener: (message: unknown) => void) => own.on(event, listener),
  });
  return {
    client: new Channel<ToServer, ToClient>(wire(left, right), client, clock),
    server: new Channel<ToClient, ToServer>(wire(right, left), server, clock),
  };
}

test('what cannot be answered is an error with the other side’s message', async t => {
  const {client} = pair({
    double() {
      throw new RangeError('too large');
    },
    note: () => undefined,
  });
  await t.throwsAsync(client.ask('double', 1), {message: 'too large'});
});

test('a question that is not answered in time is given up, and a later answer is ignored', async t => {
  const clock = new ManualClock();
  const answer = Promise.withResolvers<number>();
  const {client} = pair({double: () => answer.promise, note: () => undefined}, undefined, clock);
  const asked = client.ask('double', 1, 500);
  await clock.advance(500);
  await t.throwsAsync(asked, {message: 'the other process did not answer within 500 ms'});
  answer.resolve(2);
  await settle();
  const next = client.ask('double', 2, 500);
  t.is(await next, 2);
  t.is(clock.pending, 0);
});

test('when the other side is gone, every question fails', async t => {
  const {client} = pair({double: () => new Promise<number>(() => {}), note: () => undefined});
  const asked = client.ask('double', 1);
  client.close();
  await t.throwsAsync(asked, {message: 'the other process is gone'});
});

test('both sides ask and tell at once, and every answer finds its question', async t => {
  const noted: string[] = [];
  const isSecondAnswered = Promise.withResolvers<void>();
  const {client, server} = pair({
    double: async number => {
      if (number === 1) await isSecondAnswered.promise;
      return 2 * number;
    },
    note: text => void noted.push(text),
  });
  client.tell('note', 'one');
  const answers = await Promise.all([
    client.ask('double', 1),
    client.ask('double', 2).finally(isSecondAnswered.resolve),
    server.ask('name', undefined),
    client.ask('double', 3),
  ]);
  t.deepEqual(answers, [2, 4, 'client', 6]);
  t.deepEqual(noted, ['one']);
});
