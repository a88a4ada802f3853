import test from 'ava';
import {keepInvocations} from '../../../middleware/event/keep.ts';
import {Fault} from '../../../src/errors.ts';
import type {Invocation} from '../../../src/invocation.ts';
import {MemoryJournal} from '../../../src/journals/memory/journal.ts';
import {isRedacted, readReply, readRequest, redactor} from '../../../src/journals/payload.ts';
import {ManualClock, settle} from '../../helpers/clock.ts';
import {FakeDelivery, recordingLog, requestInput} from '../../helpers/fakes.ts';
import {all} from '../../helpers/journal-suite.ts';

const input = requestInput({headers: ['X-A', 'plain', 'Cookie', 'a=1'], body: Buffer.from([0, 255])});
const result = {status: 201, headers: ['Set-Cookie', 'b=2', 'X-B', 'plain'], body: 'é'};

function prepare(mode: 'off' | 'facts' | 'full', writeAhead: boolean, attempt = 1, core?: string) {
  const journal = new MemoryJournal(new ManualClock());
  const log = recordingLog();
  const keep = keepInvocations({journal, mode, redact: redactor(''), log, core});
  const invocation: Invocation = {id: 'i', delivery: new FakeDelivery({writeAhead, attempt}), arrived: 0, pid: 7, result};
  const types = async () => (await all(journal.scan(''))).map(({fact: {type}}) => type);
  return {journal, log, keep, invocation, types};
}

test('what is to be written ahead and cannot be kept is refused', async t => {
  const {keep, invocation, journal} = prepare('facts', true);
  await journal[Symbol.asyncDispose]();
  await t.throwsAsync(async () => keep.accepted(invocation, input), {instanceOf: Fault, code: 'JOURNAL_FAILED'});
});

test('an end is not kept where another core has delivered it again meanwhile', async t => {
  const {keep, invocation, journal, log, types} = prepare('facts', true, 1, 'one');
  await keep.accepted(invocation, input);
  await journal.append('invocation.i', [{type: 'attempt.started', data: {attempt: 2, epoch: 2}}]);
  keep.settled(invocation, {outcome: 'responded', status: 200, durationMs: 1});
  await settle();
  t.deepEqual(await types(), ['invocation.accepted', 'attempt.started', 'attempt.started']);
  t.like(log.lines, [{level: 'warn', message: 'Another core delivered it again: the outcome here does not count'}]);
});

test('what another core has begun is not begun again by one that stood still', async t => {
  const {keep, invocation, journal, types} = prepare('facts', true, 1, 'one');
  Object.assign(invocation.delivery, {revision: 0});
  await journal.append('invocation.i', [{type: 'attempt.started', data: {attempt: 2, epoch: 2}}]);
  await t.throwsAsync(async () => keep.accepted(invocation, input), {code: 'JOURNAL_FAILED', message: 'Another core has begun it'});
  t.deepEqual(await types(), ['attempt.started']);
});

test('the first fact and the end say which core they are of where several write the journal', async t => {
  const {keep, invocation, journal} = prepare('facts', true, 1, 'one');
  await keep.accepted(invocation, input);
  t.like((await all(journal.scan('')))[0]?.fact, {type: 'invocation.accepted', data: {core: 'one'}});
  keep.settled(invocation, {outcome: 'responded', status: 200, durationMs: 1});
  t.like((await journal.last('invocation.i'))?.fact, {type: 'invocation.settled', data: {core: 'one'}});
});

test('an end that cannot be kept is logged, as the invocation may run again', async t => {
  const {keep, invocation, journal, log} = prepare('facts', true);
  await journal[Symbol.asyncDispose]();
  keep.settled(invocation, {outcome: 'responded', status: 200, durationMs: 1});
  await settle();
  t.like(log.lines, [{level: 'error', fields: {invocationId: 'i'}}]);
});

test('off keeps nothing, but for what is written ahead', async t => {
  for (const [writeAhead, expected] of [
    [false, []],
    [true, ['invocation.accepted', 'attempt.started', 'invocation.settled']],
  ] as const) {
    const {keep, invocation, types} = prepare('off', writeAhead);
    await keep.accepted(invocation, input);
    keep.settled(invocation, {outcome: 'responded', status: 201, durationMs: 1});
    t.deepEqual(await types(), [...expected]);
  }
});

test('facts have neither body nor header', async t => {
  const {keep, invocation, journal} = prepare('facts', false);
  t.is(keep.accepted(invocation, input), undefined);
  keep.settled(invocation, {outcome: 'responded', status: 201, durationMs: 1});
  t.deepEqual(
    (await all(journal.scan(''))).map(({stream, fact}) => [stream, fact]),
    [
      ['invocation.i', {type: 'invocation.accepted', data: {source: 'test', bytes: 2, attempt: 1}}],
      ['invocation.i', {type: 'invocation.settled', data: {outcome: 'responded', status: 201, durationMs: 1, pid: 7}}],
    ],
  );
  t.is(await journal.payload('invocation.i/request'), undefined);
});

test('full keeps request and reply beside the facts, which name them', async t => {
  for (const writeAhead of [false, true]) {
    const {keep, invocation, journal} = prepare('full', writeAhead);
    await keep.accepted(invocation, input);
    keep.settled(invocation, {outcome: 'responded', status: 201, durationMs: 1});
    const facts = (await all(journal.scan(''))).map(({fact}) => fact);
    t.like(facts[0], {type: 'invocation.accepted', data: {dataref: 'invocation.i/request'}});
    t.like(facts.at(-1), {type: 'invocation.settled', data: {dataref: 'invocation.i/reply', pid: 7}});
    const request = readRequest((await journal.payload('invocation.i/request')) ?? Buffer.alloc(0));
    t.like(request, {eventType: 'http', method: 'POST', path: '/', query: '', sourceIp: '127.0.0.1'});
    t.true(request.body.equals(input.body));
    t.deepEqual(request.headers.slice(0, 3), ['X-A', 'plain', 'Cookie']);
    t.true(isRedacted(request.headers[3] ?? ''));
    const reply = readReply((await journal.payload('invocation.i/reply')) ?? Buffer.alloc(0));
    t.is(reply.status, 201);
    t.is(reply.body.toString(), 'é');
    t.true(isRedacted(reply.headers[1] ?? ''));
    t.is(reply.headers[3], 'plain');
  }
});

test('a failed attempt of a delivery that was written ahead is a fact, too', async t => {
  for (const [code, kind] of [
    ['UPSTREAM_TIMEOUT', 'timeout'],
    ['UPSTREAM_LOST', 'lost'],
    ['CALLER_LEFT', 'cancelled'],
    ['POOL_BUSY', 'busy'],
    ['HANDLER_FAILED', 'error'],
  ] as const) {
    const {keep, invocation, journal} = prepare('facts', true);
    keep.settled(invocation, {outcome: 'failed', status: 500, code, durationMs: 1});
    const [failed, settled] = await all(journal.read('invocation.i'));
    t.like(failed?.fact, {type: 'attempt.failed', data: {class: kind, code, pid: 7}});
    t.is(settled?.fact.type, 'invocation.settled');
  }
});

test('a call is recorded as crashed or out of memory, not only as lost', async t => {
  for (const ended of ['crash', 'oom'] as const) {
    const {keep, invocation, journal} = prepare('facts', true);
    keep.settled(invocation, {outcome: 'failed', status: 502, code: 'UPSTREAM_LOST', durationMs: 1}, new Fault('UPSTREAM_LOST', {ended}));
    const [failed] = await all(journal.read('invocation.i'));
    t.like(failed?.fact, {type: 'attempt.failed', data: {class: ended, code: 'UPSTREAM_LOST'}});
  }
});

test('the same secret has the same hash, and names count in any case', t => {
  const redact = redactor(' X-Mine ,');
  const [, first = ''] = redact(['AUTHORIZATION', 'Bearer x']);
  t.deepEqual(redact(['authorization', 'Bearer x', 'x-mine', 'Bearer x', 'X-Minor', 'y']), [
    'authorization',
    first,
    'x-mine',
    first,
    'X-Minor',
    'y',
  ]);
});

test('a later try says which one it is, from its first fact to its last', async t => {
  const {keep, invocation, journal} = prepare('off', true, 3);
  await keep.accepted(invocation, input);
  keep.settled(invocation, {outcome: 'failed', status: 502, code: 'UPSTREAM_LOST', durationMs: 1});
  const attempts = (await all(journal.scan(''))).map(({fact: {data}}) => ('attempt' in data ? data.attempt : undefined));
  t.deepEqual(attempts, [3, 3, 3, undefined]);
});

test('in full the reply to a fault is kept as the caller got it; one who left got none', async t => {
  const {keep, invocation, journal} = prepare('full', false);
  delete invocation.result;
  const replyOf = async (id: string, fault: Fault, accept?: string) => {
    keep.settled({...invocation, id}, {outcome: 'failed', status: fault.status, code: fault.code, durationMs: 1}, fault, accept);
    const bytes = await journal.payload(`invocation.${id}/reply`);
    return bytes && readReply(bytes);
  };
  const invalid = new Fault('RESULT_INVALID', {message: 'The function returned nonsense'});
  t.is(await replyOf('left', new Fault('CALLER_LEFT')), undefined);
  const text = await replyOf('text', invalid);
  t.deepEqual([text?.status, text?.body.toString()], [502, 'The function returned nonsense\n']);
  t.is(text?.headers[(text?.headers.indexOf('Core-Error') ?? 0) + 1], 'RESULT_INVALID');
  t.like(JSON.parse((await replyOf('problem', invalid, 'application/problem+json'))?.body.toString() ?? ''), {title: 'RESULT_INVALID'});
});
