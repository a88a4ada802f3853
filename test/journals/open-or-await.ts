import test, {type ExecutionContext} from 'ava';
import {Fault} from '../../src/errors.ts';
import {JournalRefused, type OpenedJournal} from '../../src/journals/engine.ts';
import {memory} from '../../src/journals/memory/index.ts';
import {openOrAwait} from '../../src/journals/open-or-await.ts';
import {isUnreachable} from '../../src/journals/unreachable.ts';
import {keepsWork} from '../../src/work.ts';
import {ManualClock} from '../helpers/clock.ts';
import {recordingLog, recordingMeter} from '../helpers/fakes.ts';
import {all, fact, numbers} from '../helpers/journal-suite.ts';
import {retention} from '../helpers/sqlite-journal.ts';

/* A journal whose servers are away when the core starts. What comes in the end is a journal in memory. */

const away = new JournalRefused('away', 'connect ECONNREFUSED 127.0.0.1:5432');
const refused = new JournalRefused('unwritable', 'password authentication failed');
const own = {type: 'runtime.ready', data: {bootMs: 1, loaded: true}} as const;

/** @param answers what each try to open it comes to: an error, a journal in memory, or nothing for a long time */
function awaiting(...answers: (Error | 'there' | 'silent')[]) {
  const clock = new ManualClock();
  const log = recordingLog();
  const shed = {facts: 0, payloads: 0};
  const meter = {
    ...recordingMeter(),
    shed: (count: number) => {
      shed.facts += count;
    },
    payloadsShed: (count: number) => {
      shed.payloads += count;
    },
  };
  const house = {clock, log, meter, location: 'postgres://there/shop'};
  let tries = 0;
  async function open(): Promise<OpenedJournal> {
    const answer = answers[Math.min(tries++, answers.length - 1)];
    if (answer instanceof Error) throw answer;
    return answer === 'silent' ? new Promise<never>(() => {}) : memory.open('', retention, house);
  }
  /** Lets time pass until something is so. */
  async function until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      await clock.advance(5000);
      await new Promise(resolve => setImmediate(resolve));
    }
  }
  return {opening: openOrAwait(open, house), clock, log, shed, until, tries: () => tries};
}

const failsAs = {instanceOf: Fault, code: 'JOURNAL_FAILED'} as const;
const messages = ({log}: ReturnType<typeof awaiting>, level: string) =>
  log.lines.filter(line => line.level === level).map(({message}) => message);

test('servers that refuse this core stop the start', async t => {
  await t.throwsAsync(awaiting(refused).opening, {is: refused});
});

test('while they are away appends, questions and claims are refused, facts are counted as shed, and the log says it once', async t => {
  const all = awaiting(away);
  const {journal, isDurable, health, cores} = await all.opening;
  t.false(isDurable);
  t.like(health?.(), {isConnected: false, problem: away.message});
  t.true((cores?.leaseMs ?? 0) > 0, 'others may write the journal');
  const error = await t.throwsAsync(journal.append('a', [fact(1)]), failsAs);
  t.truthy(error.retryAfterS);
  await t.throwsAsync(journal.last('a'), failsAs);
  await t.throwsAsync(journal.read('a')[Symbol.asyncIterator]().next(), failsAs);
  t.true(keepsWork(journal));
  if (keepsWork(journal)) await t.throwsAsync(journal.work.claim(1, {attempts: 1, deaths: 1}), failsAs);
  journal.record('a', [fact(1), fact(2)], [{name: 'p', bytes: new Uint8Array(1)}]);
  t.deepEqual(all.shed, {facts: 2, payloads: 1});
  await all.until(() => all.tries() > 20);
  t.is(messages(all, 'error').length, 1);
  await journal[Symbol.asyncDispose]();
});

test('what a core says of itself waits, in a bound, and is shed when it stops before', async t => {
  const all = awaiting(away);
  const {journal} = await all.opening;
  for (let count = 0; count < 1010; count++) journal.record('runtime.1', [own]);
  t.is(all.shed.facts, 10);
  await journal[Symbol.asyncDispose]();
  t.is(all.shed.facts, 1010);
});

test('when they are there it opens by itself: followers, listeners and facts go on', async t => {
  const whole = awaiting(away, away, 'there');
  const opened = await whole.opening;
  const {journal} = opened;
  if (!keepsWork(journal)) return t.fail();
  let due = 0;
  journal.work.onDue?.(() => due++);
  journal.record('runtime.1', [own]);
  const ending = new AbortController();
  const followed = journal.follow({after: 0, signal: ending.signal})[Symbol.asyncIterator]();
  const first = followed.next();
  await whole.until(() => opened.isDurable || due > 0);
  t.is((await first).value?.fact.type, 'runtime.ready');
  t.is(due, 1);
  await journal.append('a', [fact(1)]);
  t.deepEqual(numbers(await all(journal.read('a'))), [1]);
  t.true(opened.health?.()?.isConnected);
  t.is(opened.can.durability, 'buffered');
  ending.abort();
  await journal[Symbol.asyncDispose]();
});

test('servers that come and refuse this core are asked again, and the log says so once', async t => {
  const all = awaiting(away, refused, refused, refused, 'there');
  const opened = await all.opening;
  await all.until(() => all.tries() === 5);
  t.is(messages(all, 'error').filter(message => /cannot be opened/.test(message)).length, 1);
  await all.until(() => opened.can.durability === 'buffered');
  await opened.journal[Symbol.asyncDispose]();
});

test('servers that do not answer hold up neither a start nor a stop for long', async t => {
  const all = awaiting('silent');
  void all.clock.advance(10_000);
  const {journal} = await all.opening;
  t.regex(String(all.log.lines[0]?.fields.cause), /no server has answered/);
  const closed = journal[Symbol.asyncDispose]();
  void all.clock.advance(2000);
  await closed;
  t.pass();
});

test('a follower ends with its signal, and with the core', async t => {
  for (const ends of ['signal', 'core'] as const) {
    const {journal} = await awaiting(away).opening;
    const ending = new AbortController();
    const next = journal.follow({after: 0, signal: ending.signal})[Symbol.asyncIterator]().next();
    await (ends === 'core' ? journal[Symbol.asyncDispose]() : ending.abort());
    t.true((await next).done, ends);
    await journal[Symbol.asyncDispose]();
  }
});

test('what the network says means away; what a file or a certificate is refused for does not', (t: ExecutionContext) => {
  const coded = (code: string, more = {}) => Object.assign(new Error(code), {code, ...more});
  for (const code of ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH']) t.true(isUnreachable(coded(code)), code);
  t.true(isUnreachable(new Error('refused', {cause: coded('ECONNREFUSED')})));
  t.true(isUnreachable(new AggregateError([coded('ECONNREFUSED')])));
  t.true(isUnreachable(coded('ENOENT', {syscall: 'connect'})), 'a socket in the file system');
  for (const code of ['ENOENT', 'EACCES', 'ERR_TLS_CERT_ALTNAME_INVALID', '28P01', 'SELF_SIGNED_CERT_IN_CHAIN'])
    t.false(isUnreachable(coded(code)), code);
  t.false(isUnreachable(undefined));
});
