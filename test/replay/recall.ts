import test from 'ava';
import type {RequestInput} from '../../src/delivery.ts';
import type {FaultCode} from '../../src/errors.ts';
import {JournalDamaged} from '../../src/journal.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {redactor, writeReply, writeRequest} from '../../src/journals/payload.ts';
import {Boots} from '../../src/projections/boots.ts';
import {acceptedSince, recall, sample} from '../../src/replay/recall.ts';
import {ManualClock} from '../helpers/clock.ts';

const input: RequestInput = {
  shape: 'request',
  eventType: 'http',
  reply: 'http',
  method: 'POST',
  path: '/a',
  query: 'q=1',
  headers: ['X-Api-Key', 'canary', 'X-Plain', 'plain'],
  body: Buffer.from([0, 255]),
  sourceIp: '127.0.0.1',
};
const result = {status: 201, headers: ['Set-Cookie', 'canary'], body: 'made'};

interface Kept {
  readonly request?: Uint8Array | undefined;
  readonly reply?: Uint8Array | undefined;
  /** Undefined: it has no last fact. */
  readonly end?: {readonly status: number; readonly code?: FaultCode} | undefined;
}

async function journalWith({
  request = writeRequest(input, redactor('')),
  reply = writeReply(result, redactor('')),
  end = {status: 201},
}: Kept): Promise<MemoryJournal> {
  const journal = new MemoryJournal(new ManualClock());
  const accepted = {source: 'http', bytes: 2, attempt: 1, dataref: 'invocation.one/request', traceparent: '00-1-2-00'};
  const keep = (name: string, bytes: Uint8Array) => (bytes.length > 0 ? [{name, bytes}] : []);
  await journal.append('invocation.one', [{type: 'invocation.accepted', data: accepted}], {
    payloads: keep('invocation.one/request', request),
  });
  if (end.status === 0) return journal;
  const settled = {outcome: end.code ? 'failed' : 'responded', durationMs: 1, ...end} as const;
  const data = end.code ? settled : {...settled, dataref: 'invocation.one/reply'};
  await journal.append('invocation.one', [{type: 'invocation.settled', data}], {payloads: keep('invocation.one/reply', reply)});
  return journal;
}

const none = new Uint8Array();

async function hindrance(kept: Kept, wantsReply = true): Promise<string | undefined> {
  const recalled = await recall(await journalWith(kept), 'one', wantsReply);
  return 'hindrance' in recalled ? recalled.hindrance : undefined;
}

test('an unknown invocation is reported as unknown', async t => {
  t.like(await recall(await journalWith({}), 'another', true), {id: 'another', hindrance: 'unknown'});
});

test('an invocation that was recorded without its request names the setting', async t => {
  const journal = new MemoryJournal(new ManualClock());
  journal.record('invocation.one', [{type: 'invocation.accepted', data: {source: 'http', bytes: 0, attempt: 1}}]);
  const recalled = await recall(journal, 'one', false);
  t.like(recalled, {hindrance: 'facts-only'});
  t.regex('fix' in recalled ? recalled.fix : '', /CORE_JOURNAL_HTTP=full/);
});

test('a request or a reply that is not kept any more is shredded', async t => {
  t.is(await hindrance({request: none}), 'shredded');
  t.is(await hindrance({reply: none}), 'shredded');
  t.is(await hindrance({reply: none}, false), undefined, 'two versions need no reply');
});

test('damage is named, whether the checksum shows it or the bytes do', async t => {
  t.is(await hindrance({request: Buffer.from('neither head nor body')}), 'damaged');
  t.is(await hindrance({reply: Buffer.from('{"status":')}), 'damaged');
  const journal = await journalWith({});
  journal.payload = () => Promise.reject(new JournalDamaged('bits'));
  t.like(await recall(journal, 'one', true), {hindrance: 'damaged'});
});

test('a reply that is not the function’s cannot be compared with', async t => {
  t.is(await hindrance({end: {status: 0}}), 'unsettled');
  t.is(await hindrance({end: {status: 0}}, false), undefined);
  for (const code of ['CALLER_LEFT', 'POOL_BUSY', 'DRAINING', 'INTERNAL'] as const) {
    t.is(await hindrance({end: {status: 503, code}}), 'never-answered', code);
    t.is(await hindrance({end: {status: 503, code}}, false), undefined, code);
  }
});

test('a failure of the function is compared by its status and code', async t => {
  for (const code of ['HANDLER_FAILED', 'UPSTREAM_TIMEOUT', 'UPSTREAM_LOST', 'RESULT_INVALID'] as const) {
    t.like(await recall(await journalWith({end: {status: 500, code}}), 'one', true), {reply: {status: 500, code}}, code);
  }
});

test('request and reply come as they were, without the secrets', async t => {
  const recalled = await recall(await journalWith({}), 'one', true);
  if ('hindrance' in recalled) return t.fail(recalled.reason);
  const {headers: _, ...rest} = input;
  t.like(recalled.request, {...rest, headers: ['X-Plain', 'plain']});
  t.deepEqual([...recalled.secrets.names], ['x-api-key']);
  t.like(recalled.reply, {status: 201, body: Buffer.from('made')});
  t.regex(recalled.reply?.headers?.[1] ?? '', /^redacted:/);
  t.true(recalled.isTraced);
});

test('the last run of an invocation that was delivered again counts, as its code gave the reply', async t => {
  const journal = await journalWith({end: {status: 0}});
  const load = (boot: string, digest: string) =>
    journal.record(`runtime.${boot}`, [{type: 'code.loaded', data: {digest, handler: '/h.js'}}]);
  load('dead', 'old');
  load('next', 'new');
  const data = {source: 'http', bytes: 2, attempt: 2, dataref: 'invocation.one/request'};
  await journal.append('invocation.one', [{type: 'invocation.accepted', data}]);
  load('after', 'newest');
  const recalled = await recall(journal, 'one', false);
  if ('hindrance' in recalled) return t.fail(recalled.reason);
  t.is((await Boots.read(journal)).of(recalled.run)?.codeDigest, 'new');
});

test('invocations accepted since a time are listed, oldest first, with whether they can be run again', async t => {
  const clock = new ManualClock();
  const journal = new MemoryJournal(clock);
  for (const [index, dataref] of ['x', undefined, 'x'].entries()) {
    const data = {source: 'http', bytes: 0, attempt: 1, ...(dataref !== undefined && {dataref})};
    journal.record(`invocation.${index}`, [{type: 'invocation.accepted', data}]);
    await clock.advance(1000);
  }
  t.deepEqual(await acceptedSince(journal, clock.now() - 2000), [
    {id: '1', hasRequest: false},
    {id: '2', hasRequest: true},
  ]);
});

test('a sample is spread over the whole list, and is not larger than the list', t => {
  t.deepEqual(sample([1, 2, 3], 5), [1, 2, 3]);
  t.deepEqual(sample([1, 2, 3, 4, 5, 6, 7, 8, 9], 3), [2, 5, 8]);
  t.is(
    new Set(
      sample(
        Array.from({length: 1000}, (_, index) => index),
        999,
      ),
    ).size,
    999,
  );
  t.deepEqual(sample([], 3), []);
});
