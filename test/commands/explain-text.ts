import test from 'ava';
import {explanationText} from '../../src/commands/explain-text.ts';
import {plainExplanation} from '../../src/projections/plain.ts';

const settledAt = 1_000_000;
const request = {
  shape: 'request',
  eventType: 'http',
  reply: 'http',
  method: 'GET',
  path: '/',
  query: '',
  headers: [],
  sourceIp: '127.0.0.1',
  body: Buffer.alloc(0),
} as const;
const whole = {
  invocation: {id: 'i', status: 'responded', acceptedAt: settledAt - 2, settledAt, durationMs: 2, replyStatus: 200},
  facts: [
    {
      position: 1,
      stream: 'invocation.i',
      at: settledAt - 2,
      fact: {type: 'invocation.accepted', data: {source: 'http', bytes: 0, attempt: 1}},
    },
  ],
  boot: undefined,
  claim: undefined,
  request,
  reply: undefined,
  log: undefined,
} as const;
const log = {lines: [{at: settledAt, stream: 'stdout', line: 'greeting Ada'}], dropped: 0} as const;

/** What the row `kept` says so long after the end. */
const kept = (explanation: Parameters<typeof plainExplanation>[0], afterMs: number) =>
  explanationText(plainExplanation(explanation), settledAt + afterMs)
    .find(line => line.includes('kept'))
    ?.trim();

test('no log lines are foretold where they are there, where none are kept, before the end and a second after it', t => {
  t.is(kept({...whole, log}, 10), 'kept      request, log lines');
  t.is(kept({...whole, request: undefined}, 10), 'kept      facts only');
  t.is(kept({...whole, invocation: {id: 'i', status: 'running'}}, 10), 'kept      request');
  t.is(kept(whole, 1000), 'kept      request');
  t.is(kept(whole, -5000), 'kept      request', 'a journal of another machine, whose clock is ahead');
});

test('of work that is not over it says whether it waits, and when the next attempt is due', t => {
  const outcome = (explanation: Parameters<typeof plainExplanation>[0]) =>
    explanationText(plainExplanation(explanation), settledAt)
      .find(line => line.includes('outcome'))
      ?.trim();
  const open = {...whole, invocation: {id: 'i', status: 'running', source: 'work'}} as const;
  t.is(
    outcome({...open, invocation: {...open.invocation, pending: 'waiting'}}),
    'outcome   waiting: no attempt has begun; `core-runtime work` shows when it is due',
  );
  const scheduled = {type: 'retry.scheduled', data: {attempt: 3, afterMs: 2000}} as const;
  const facts = [...whole.facts, {position: 2, stream: 'invocation.i', at: settledAt, fact: scheduled}];
  t.is(
    outcome({...open, facts, invocation: {...open.invocation, pending: 'retrying'}}),
    'outcome   retrying: attempt 3 is due at 1970-01-01T00:16:42.000Z',
  );
});

test('an invocation that has just ended is explained with a hint that its log lines may follow', t => {
  t.is(kept(whole, 999), 'kept      request; its log lines, if it wrote any, are kept within a second: explain it again');
});

test('an invocation of a handler that could not be loaded is explained with the cause, which its caller did not get', t => {
  const invocation = {...whole.invocation, status: 'failed', code: 'HANDLER_MISSING', replyStatus: 500, pid: 7} as const;
  const loadError = '/srv/handler.js has no exported function named "handle"; it exports none';
  const boot = {id: 'b', startedAt: 0, processes: [{pid: 7, loaded: false, loadError}]};
  const {fault} = plainExplanation({...whole, invocation, boot});
  t.like(fault, {code: 'HANDLER_MISSING', cause: loadError});
  const lines = explanationText(plainExplanation({...whole, invocation, boot}), settledAt).map(line => line.trim());
  t.true(lines.includes(`cause     ${loadError}`), lines.join('\n'));
  t.false('cause' in (plainExplanation({...whole, invocation: {...invocation, code: 'HANDLER_FAILED'}, boot}).fault ?? {}));
});
