import test from 'ava';
import type {RequestInput} from '../../src/delivery.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {redactor, writeReply, writeRequest} from '../../src/journals/payload.ts';
import type {Outcome} from '../../src/replay/compare.ts';
import type {Recalled} from '../../src/replay/recall.ts';
import {type Compared, type ReplayHouse, replay} from '../../src/replay/replay.ts';
import {ManualClock} from '../helpers/clock.ts';

const json = (body: object, headers: readonly string[] = []): Outcome => ({status: 200, headers, body: Buffer.from(JSON.stringify(body))});

/** A version of the code that keeps what it was called with. */
function code(answer: (call: number, recalled: Recalled) => Outcome) {
  const calls: string[] = [];
  return {calls, run: async (recalled: Recalled) => answer(calls.push(recalled.id), recalled)};
}

async function houseOf(clock: ManualClock, reply: {status: number; headers: readonly string[]; body: string}, ids = ['a']) {
  const journal = new MemoryJournal(clock);
  const request: RequestInput = {
    shape: 'request',
    eventType: 'http',
    reply: 'http',
    method: 'GET',
    path: '/',
    query: '',
    headers: ['Cookie', 'canary'],
    body: Buffer.alloc(0),
    sourceIp: '',
  };
  for (const id of ids) {
    const stream = `invocation.${id}`;
    const accepted = {source: 'http', bytes: 0, attempt: 1, dataref: `${stream}/request`};
    const settled = {outcome: 'responded', status: 200, durationMs: 1, dataref: `${stream}/reply`} as const;
    await journal.append(
      stream,
      [
        {type: 'invocation.accepted', data: accepted},
        {type: 'invocation.settled', data: settled},
      ],
      {
        payloads: [
          {name: `${stream}/request`, bytes: writeRequest(request, redactor(''))},
          {name: `${stream}/reply`, bytes: writeReply(reply, redactor('x-mine'))},
        ],
      },
    );
  }
  return {journal, clock, signal: new AbortController().signal, redact: '', candidate: undefined};
}

async function run(ids: readonly string[], house: ReplayHouse & {clock: ManualClock}): Promise<Compared[]> {
  const found: Compared[] = [];
  const done = (async () => {
    for await (const each of replay(ids, house)) if ('judgement' in each) found.push(each);
  })().then(() => true);
  while (!(await Promise.race([done, house.clock.advance(100)])));
  return found;
}

const verdicts = (found: readonly Compared[]) => found.map(({judgement}) => judgement.verdict);

test('a change against the recording is found, and times and ids are ignored', async t => {
  const clock = new ManualClock();
  const recorded = {status: 200, headers: [], body: JSON.stringify({at: 1, seconds: 1, pid: 1, calls: 70, total: 10})};
  const now = (pid: number, total: number) =>
    code(calls => json({at: clock.monotonic(), seconds: Math.floor(clock.now() / 1000), pid, calls, total}));
  const house = await houseOf(clock, recorded);
  t.deepEqual(verdicts(await run(['a'], {...house, baseline: now(1, 10), twin: now(2, 10)})), ['noise']);
  t.deepEqual(verdicts(await run(['a'], {...house, baseline: now(1, 11), twin: now(2, 11)})), ['body']);
});

test('the candidate runs between both runs of the baseline, and the events run in their order', async t => {
  const clock = new ManualClock();
  const ids = Array.from({length: 60}, (_, index) => `i${index}`);
  const house = await houseOf(clock, {status: 200, headers: [], body: '{}'}, ids);
  const order: string[] = [];
  const named = (name: string) =>
    code((_, {id}) => {
      order.push(`${name} ${id}`);
      return json({});
    });
  const found = await run(ids, {...house, baseline: named('baseline'), twin: named('twin'), candidate: named('candidate')});
  t.deepEqual(
    verdicts(found),
    ids.map(() => 'same'),
  );
  t.is(order.shift(), 'twin i0', 'once more, for another past');
  for (const id of ids) {
    const [first, second, third] = ['baseline', 'candidate', 'twin'].map(name => order.indexOf(`${name} ${id}`));
    t.true(Number(first) < Number(second) && Number(second) < Number(third), id);
  }
  for (const name of ['baseline', 'candidate', 'twin']) {
    t.deepEqual(
      order.filter(each => each.startsWith(name)).map(each => each.split(' ')[1]),
      ids,
    );
  }
});

test('fields of the reply that are kept as hashes are compared as hashes, by the recorded settings and the present ones', async t => {
  const clock = new ManualClock();
  const house = await houseOf(clock, {status: 200, headers: ['Set-Cookie', 'sid=1', 'X-Mine', 'mine'], body: '{}'});
  const same = code(() => json({}, ['Set-Cookie', 'sid=1', 'X-Mine', 'mine']));
  const other = code(() => json({}, ['Set-Cookie', 'sid=2', 'X-Mine', 'mine']));
  const gone = code(() => json({}, []));
  t.deepEqual(verdicts(await run(['a'], {...house, baseline: same, twin: same})), ['same']);
  const [changed] = await run(['a'], {...house, baseline: other, twin: other});
  t.deepEqual(
    changed?.judgement.differences.map(({path, meaning}) => [path, meaning]),
    [['set-cookie', 'redacted']],
  );
  // Both ran without the caller's cookie: what differs is the code.
  t.deepEqual(verdicts(await run(['a'], {...house, baseline: same, twin: same, candidate: other})), ['headers']);
  const [lost] = await run(['a'], {...house, baseline: same, twin: same, candidate: gone});
  t.is(lost?.judgement.verdict, 'headers');
  t.notRegex(JSON.stringify(lost?.expected.headers), /sid=1/);
});

test('an aborted replay ends at once, and reports no invocation that it broke off', async t => {
  const clock = new ManualClock();
  const stopping = new AbortController();
  const ids = ['a', 'b'];
  const house = {...(await houseOf(clock, {status: 200, headers: [], body: '{}'}, ids)), signal: stopping.signal};
  const twin = code(calls => {
    if (calls === 3) stopping.abort();
    return json({});
  });
  t.deepEqual(
    (await run(ids, {...house, baseline: code(() => json({})), twin})).map(({recalled}) => recalled.id),
    ['a'],
  );
});

test('each run is reported when it is over: two of an invocation, three with a candidate', async t => {
  for (const hasCandidate of [false, true]) {
    const house = await houseOf(new ManualClock(), {status: 200, headers: [], body: '{}'}, ['a', 'b']);
    const version = () => code(() => json({}));
    let runs = 0;
    const candidate = hasCandidate ? version() : undefined;
    await run(['a', 'b'], {...house, baseline: version(), twin: version(), candidate, ran: () => void runs++});
    t.is(runs, hasCandidate ? 6 : 4);
  }
});
