import test from 'ava';
import type {Fact} from '../../src/facts.ts';
import type {Batch} from '../../src/journals/sqlite/messages.ts';
import {Outbox} from '../../src/journals/sqlite/outbox.ts';
import {Questions} from '../../src/journals/sqlite/questions.ts';
import {ManualClock, settle} from '../helpers/clock.ts';

const fact: Fact = {type: 'runtime.gave-up', data: {exits: 1, withinMs: 1}};
const facts = [fact] as const;

function open(memoryBytes: number) {
  const clock = new ManualClock();
  const lost = {facts: 0, payloads: 0};
  const meter = {
    appended() {},
    shed(count: number) {
      lost.facts += count;
    },
    payloadsShed(count: number) {
      lost.payloads += count;
    },
  };
  const sent: Batch[] = [];
  return {clock, lost, sent, outbox: new Outbox({clock, meter, memoryBytes}, batch => sent.push(batch))};
}

test('where memory is scarce, a payload that is larger than all that may wait is not kept, but its fact is', async t => {
  const {clock, lost, sent, outbox} = open(1000);
  const payloads = [
    {name: 'large', bytes: Buffer.alloc(1001)},
    {name: 'small', bytes: Buffer.alloc(200)},
  ];
  outbox.record('invocation.a', facts, payloads, false);
  await clock.advance(100);
  t.deepEqual(lost, {facts: 0, payloads: 1});
  t.deepEqual(
    sent.flatMap(({commands}) => commands.flatMap(({payloads: kept = []}) => kept.map(({name}) => name))),
    ['small'],
  );
});

test('facts that nobody waits for are dropped before others are refused', async t => {
  const {lost, outbox} = open(1000);
  const record = () => outbox.record('runtime.a', facts, [], false);
  for (let count = 0; lost.facts === 0 && count < 100; count++) record();
  t.is(lost.facts, 1);
  const appended = outbox.append('runtime.a', facts, {});
  appended.catch(() => {});
  t.is(
    await Promise.race([
      appended.then(
        () => 'kept',
        () => 'refused',
      ),
      Promise.resolve('waits'),
    ]),
    'waits',
  );
});

test('what is asked in one turn comes after one sending of everything that was handed over', async t => {
  const order: string[] = [];
  const {sent, outbox} = open(2 ** 20);
  const questions = new Questions(() => outbox.flush(), {
    ask: async question => {
      order.push(`${sent.length} ${JSON.stringify(question)}`);
      return undefined as never;
    },
  });
  const asked = ['a', 'b', 'c'].map(name => {
    void outbox.append(`invocation.${name}`, facts, {});
    return questions.ask({last: `invocation.${name}`});
  });
  await settle();
  await Promise.all(asked);
  t.is(sent.length, 1);
  t.is(sent[0]?.commands.length, 3);
  t.deepEqual(order, ['1 {"last":"invocation.a"}', '1 {"last":"invocation.b"}', '1 {"last":"invocation.c"}']);
});
