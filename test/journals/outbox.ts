import test from 'ava';
import type {Fact} from '../../src/facts.ts';
import {unbundled} from '../../src/journals/sqlite/bundle.ts';
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
    sent.flatMap(({commands}) => commands.flatMap(command => ('bundle' in command ? [] : (command.payloads ?? []).map(({name}) => name)))),
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
  const questions = new Questions(() => outbox, {
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

const bundled = (batch: Batch | undefined) =>
  batch?.commands.map(command => ('bundle' in command ? command.bundle.streams.join(' ') : `${command.stream}`));

test('what lingers waits for others, and is sent with what does not', async t => {
  const {clock, sent, outbox} = open(2 ** 20);
  void outbox.append('invocation.a', facts, {lingers: true});
  await settle();
  void outbox.append('invocation.b', facts, {lingers: true});
  await clock.advance(19);
  t.is(sent.length, 0);
  await clock.advance(1);
  t.deepEqual(bundled(sent[0]), ['invocation.a invocation.b']);
  void outbox.append('invocation.a', facts, {lingers: true});
  void outbox.append('invocation.c', facts, {});
  await settle();
  t.deepEqual(bundled(sent[1]), ['invocation.a', 'invocation.c']);
  await clock.advance(100);
  t.is(sent.length, 2);
});

test('facts of a stream keep their order, whether they linger or not, and each append learns its own position', async t => {
  const {clock, sent, outbox} = open(2 ** 25);
  const end: Fact = {type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 1}};
  const payloads = (text: string) => [{name: `${text}/x`, bytes: Buffer.from(text)}];
  const kept = [
    outbox.append('invocation.a', facts, {lingers: true, payloads: payloads('first')}),
    outbox.append('invocation.b', facts, {lingers: true}),
    outbox.append('invocation.a', [end], {lingers: true, payloads: payloads('second')}),
    outbox.append('invocation.a', facts, {lingers: true, payloads: payloads('third')}), // begins anew
    outbox.append('invocation.c', facts, {lingers: true, payloads: [{name: 'large', bytes: Buffer.alloc(2 ** 17)}]}),
    outbox.append('invocation.d', [end], {lingers: true}),
  ];
  outbox.record('invocation.d', facts, [], false);
  await clock.advance(20);
  t.deepEqual(bundled(sent[0]), ['invocation.a invocation.b', 'invocation.a', 'invocation.a', 'invocation.c', 'invocation.d', 'undefined']);
  const [first] = sent[0]?.commands ?? [];
  const command = first && 'bundle' in first ? unbundled(first.bundle) : undefined;
  t.like(command, {stream: 'invocation.a', count: 2, begins: true, parts: [{last: 1}, {last: 2}], payloads: [{name: 'first/x'}]});
  t.is(String(command?.payloads?.[0]?.bytes), 'first');
  outbox.committed({type: 'committed', batches: [{id: 1, outcomes: [2, 3, 4, 5, 6, 7].map(position => ({position}))}]});
  t.deepEqual(
    (await Promise.all(kept)).map(({position}) => position),
    [1, 2, 3, 4, 5, 6],
  );
});

test('what lingers is sent no later because of what may linger for longer', async t => {
  const {clock, sent, outbox} = open(2 ** 20);
  outbox.record('invocation.a', facts, [], false);
  void outbox.append('invocation.b', facts, {lingers: true});
  outbox.record('invocation.c', facts, [], false);
  await clock.advance(20);
  t.is(sent.length, 1);
});

test('the newest facts of streams are one question, which waits for those that linger only when it asks for them', async t => {
  const order: string[] = [];
  const {sent, outbox} = open(2 ** 20);
  const questions = new Questions(() => outbox, {
    ask: async question => {
      order.push(`${sent.length} ${JSON.stringify(question)}`);
      return ('lasts' in question ? question.lasts.map(() => undefined) : undefined) as never;
    },
  });
  void outbox.append('invocation.a', facts, {lingers: true});
  await Promise.all([questions.last('invocation.b', {isAppended: true}), questions.last('invocation.c', {isAppended: true})]);
  await questions.last('invocation.a', {isAppended: true});
  t.deepEqual(order, ['0 {"lasts":["invocation.b","invocation.c"]}', '1 {"lasts":["invocation.a"]}']);
  const asked = questions.last('invocation.b', {isAppended: true});
  void outbox.append('invocation.d', facts, {});
  await Promise.all([asked, questions.last('invocation.d', {isAppended: true})]);
  t.is(order.at(-1), '2 {"lasts":["invocation.b","invocation.d"]}');
});

test('a stream that cannot be read is no answer for the others', async t => {
  const {outbox} = open(2 ** 20);
  const questions = new Questions(() => outbox, {
    ask: async question => {
      if ('lasts' in question || ('last' in question && question.last === 'a')) throw new Error('damaged');
      return undefined as never;
    },
  });
  const [a, b] = await Promise.allSettled([questions.last('a', {isAppended: true}), questions.last('b', {isAppended: true})]);
  t.like(a, {status: 'rejected'});
  t.like(b, {status: 'fulfilled', value: undefined});
});
