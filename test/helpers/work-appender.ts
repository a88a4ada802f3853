import {randomUUIDv7} from 'node:crypto';
import {writeSync} from 'node:fs';
import {argv} from 'node:process';
import {systemClock} from '../../src/clock.ts';
import type {Fact} from '../../src/facts.ts';
import {writeRequest} from '../../src/journals/payload.ts';
import {SqliteJournal} from '../../src/journals/sqlite/journal.ts';

/*
Accepts work in a journal and ends it, as the tests of disks want it: a few senders at once, each receipt printed at the moment
it comes as `accepted <id> <key>` or `ended <id>`, each refusal as `refused <code>`. In the end it runs what is left for a few
seconds at most, and prints `left <waiting> <running>`.

    node work-appender.ts <file> <how many>
*/

const [file = '', most = '0'] = argv.slice(2);
const silent = {debug() {}, info() {}, warn() {}, error() {}};
const journal = await SqliteJournal.open(
  file,
  {factsMs: 1e12, payloadsMs: 1e12, maxBytes: 2 ** 30},
  {
    clock: systemClock,
    log: silent,
    meter: {appended() {}, shed() {}, payloadsShed() {}},
  },
);
const {work} = journal;
const limits = {attempts: 8, deaths: 3};
const settled: Fact = {type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 1}};
const longestMs = 8000;

const request = {shape: 'request', eventType: 'http', reply: 'http', method: 'POST', path: '/', query: '', sourceIp: ''} as const;
let number = 0;

const tell = (line: string) => writeSync(1, `${line}\n`);

async function insist<T>(act: () => Promise<T>, tries = Number.POSITIVE_INFINITY): Promise<T | undefined> {
  for (let time = 0; time < tries; time++) {
    try {
      return await act();
    } catch (error) {
      tell(`refused ${(error as {code?: string}).code}`);
      await systemClock.sleep(100);
    }
  }
  return undefined;
}

async function accept(number: number): Promise<void> {
  const id = randomUUIDv7();
  const now = systemClock.now();
  const key = number % 2 ? {scope: `key-${id}`, fingerprint: 'f', until: now + 1e9} : undefined;
  const orderingKey = number % 3 === 0 ? `order-${number % 2}` : undefined;
  const item = {id, acceptedAt: now, due: now, orderingKey};
  const facts: [Fact] = [{type: 'invocation.accepted', data: {source: 'work', bytes: 1, attempt: 1, dataref: `invocation.${id}/request`}}];
  const payloads = [{name: `invocation.${id}/request`, bytes: requestOf(number, orderingKey)}];
  const enqueued = await insist(() => work.enqueue(item, {facts, payloads, key, most: 1e6}), 1);
  if (enqueued) tell(`accepted ${id} ${key?.scope ?? '-'}`);
}

function requestOf(number: number, orderingKey: string | undefined): Uint8Array {
  const body = Buffer.alloc(100 + (number % 7) * 700, number);
  const headers = orderingKey === undefined ? [] : ['core-ordering-key', orderingKey];
  return writeRequest({...request, headers, body}, fields => [...fields]);
}

async function run(): Promise<void> {
  for (const {id, epoch, attempts, deaths} of (await insist(() => work.claim(2, limits))) ?? []) {
    const again: Fact = {type: 'retry.scheduled', data: {attempt: attempts + 1, afterMs: 0}};
    const isAgain = attempts === 1 && Number.parseInt(id.slice(-1), 16) % 4 === 0;
    if (isAgain) await insist(() => work.retryAt({id, epoch}, {facts: [failed(attempts), again], due: systemClock.now(), deaths}));
    else if (await insist(() => work.settle({id, epoch}, {facts: [settled]}))) tell(`ended ${id}`);
  }
}

const failed = (attempt: number): Fact => ({
  type: 'attempt.failed',
  data: {attempt, class: 'error', retryable: true, code: 'HANDLER_FAILED'},
});

await Promise.all(
  Array.from({length: 4}, async () => {
    while (number < Number(most)) {
      await accept(number++);
      await run();
    }
  }),
);
const until = systemClock.monotonic() + longestMs;
let left = await work.census();
while (left.waiting + left.behind + left.running > 0 && systemClock.monotonic() < until) {
  await run();
  await systemClock.sleep(20);
  left = await work.census();
}
tell(`left ${left.waiting + left.behind} ${left.running}`);
await journal[Symbol.asyncDispose]();
