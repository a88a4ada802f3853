import test from 'ava';
import {keepInvocations} from '../../../middleware/event/keep.ts';
import {Fault} from '../../../src/errors.ts';
import type {Fact} from '../../../src/facts.ts';
import type {AppendOptions, Payload} from '../../../src/journal.ts';
import {redactor} from '../../../src/recorded.ts';
import {settle} from '../../helpers/clock.ts';
import {FakeDelivery, recordingLog, stageContext, triggerInput} from '../../helpers/fakes.ts';

/** What a journal is told of one invocation; `append` decides what becomes of what must last. */
function keeper(
  mode: 'off' | 'facts' | 'full',
  {append = async () => {}, ...given}: {writeAhead?: boolean; attempt?: number; append?: (facts: readonly Fact[]) => Promise<unknown>} = {},
) {
  const told: {how: 'append' | 'record'; stream: string; facts: readonly Fact[]; payloads: readonly Payload[]}[] = [];
  const log = recordingLog();
  const journal = {
    async append(stream: string, facts: readonly [Fact, ...Fact[]], {payloads = []}: AppendOptions = {}) {
      await append(facts);
      told.push({how: 'append', stream, facts, payloads});
      return {position: 1, durability: 'fsync'} as const;
    },
    record: (stream: string, facts: readonly [Fact, ...Fact[]], payloads: readonly Payload[] = []) =>
      void told.push({how: 'record', stream, facts, payloads}),
  };
  const keep = keepInvocations({journal, mode, redact: redactor(''), log});
  const input = triggerInput({body: Buffer.from('hello')});
  const invocation = stageContext(new FakeDelivery(given), {}, {input}).state;
  invocation.result = {status: 200, headers: ['Content-Type', 'text/plain'], body: 'bye'};
  return {keep, invocation, input, told, log};
}

const responded = {outcome: 'responded', status: 200, durationMs: 1} as const;
const types = (facts: readonly Fact[]) => facts.map(({type}) => type);

test('what must be written ahead and cannot be is refused', async t => {
  const {keep, invocation, input} = keeper('facts', {
    writeAhead: true,
    append: async () => {
      throw new Fault('JOURNAL_FAILED');
    },
  });
  await t.throwsAsync(async () => keep.accepted(invocation, input), {code: 'JOURNAL_FAILED'});
});

test('when the last fact cannot be kept that is told, and the invocation is over all the same', async t => {
  const {keep, invocation, log} = keeper('facts', {
    writeAhead: true,
    append: async () => {
      throw new Error('disk full');
    },
  });
  t.notThrows(() => keep.settled(invocation, {...responded}));
  await settle();
  t.like(log.lines[0], {level: 'error'});
});

test('off keeps nothing of what is not written ahead', t => {
  const {keep, invocation, input, told} = keeper('off');
  t.is(keep.accepted(invocation, input), undefined);
  keep.settled(invocation, {...responded});
  t.deepEqual(told, []);
});

for (const mode of ['facts', 'full'] as const) {
  test(`${mode}: nobody waits for the facts of what is not written ahead, ${mode === 'full' ? 'and bodies stand beside them' : 'and no body is kept'}`, t => {
    const {keep, invocation, input, told} = keeper(mode);
    t.is(keep.accepted(invocation, input), undefined);
    keep.settled(invocation, {...responded});
    t.deepEqual(
      told.map(({how, facts}) => [how, ...types(facts)]),
      [
        ['record', 'invocation.accepted'],
        ['record', 'invocation.settled'],
      ],
    );
    const stream = `invocation.${invocation.id}`;
    const names = mode === 'full' ? [[`${stream}/request`], [`${stream}/reply`]] : [[], []];
    t.deepEqual(
      told.map(({payloads}) => payloads.map(({name}) => name)),
      names,
    );
    t.deepEqual(
      told.map(({facts: [fact]}) => (fact && 'dataref' in fact.data ? [fact.data.dataref] : [])),
      names,
    );
  });
}

test('a later try says which one it is', async t => {
  const {keep, invocation, input, told} = keeper('off', {writeAhead: true, attempt: 3});
  await keep.accepted(invocation, input);
  t.like(told[0]?.facts, [
    {type: 'invocation.accepted', data: {attempt: 3}},
    {type: 'attempt.started', data: {attempt: 3}},
  ]);
});
