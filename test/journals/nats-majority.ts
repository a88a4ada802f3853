import test from 'ava';
import {Asked} from '../../src/journals/nats/asked.ts';
import {Majority} from '../../src/journals/nats/majority.ts';
import {subjectsOf} from '../../src/journals/nats/subjects.ts';
import {Away, type Message, type Transport} from '../../src/journals/nats/transport.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {recordingLog} from '../helpers/fakes.ts';

/* When a core leaves the server that it is connected to. */

const message = (subject: string, body = '', code = 0): Message => ({subject, reply: '', code, field: () => '', body: Buffer.from(body)});
const away = () => Promise.reject(new Away('No server answered in time'));

/** @param other what another server answers to what is to be kept */
function servers(other: () => Promise<Message>) {
  const clock = new ManualClock();
  const log = recordingLog();
  const looks: number[] = [];
  const server = {name: 'one'};
  const transport = {
    server,
    async change(proves: Parameters<Transport['change']>[0]) {
      looks.push(clock.monotonic());
      const isProven = await proves(other).catch(() => false);
      if (isProven) server.name = 'other';
      return isProven;
    },
  } as unknown as Transport; // as far as it is used
  const majority = new Majority({transport, subjects: subjectsOf('shop'), clock, log});
  /** Tries in vain, ten times a second. */
  const fail = async (ms: number) => {
    for (let spent = 0; spent < ms; spent += 100) {
      await clock.advance(100);
      await majority.noting(away).catch(() => {});
      await settle();
    }
  };
  return {clock, log, looks, majority, server, fail};
}

test('while no server keeps anything the core stays where it is, asks others ever more rarely, and says nothing', async t => {
  const {log, looks, majority, server, fail} = servers(away);
  await fail(600_000);
  t.is(server.name, 'one');
  t.is(majority.changes, 0);
  t.deepEqual(log.lines, []);
  t.is(looks[0], 3100);
  t.true(looks.length < 70, `${looks.length}`);
  const pauses = looks.slice(1).map((at, index) => at - (looks[index] ?? 0));
  t.true(pauses.every(pause => pause >= 500 && pause <= 30_100));
  t.true((pauses.at(-1) ?? 0) >= 29_000);
});

test('a server that answers and keeps nothing is left for one that does, and that is said once', async t => {
  const {log, looks, majority, server, fail} = servers(async () => message('', '{"seq": 7}'));
  await majority.noting(async () => 'kept');
  await fail(3000);
  t.is(looks.length, 0, 'an election may take that long');
  await fail(200);
  t.is(server.name, 'other');
  t.is(majority.changes, 1);
  t.deepEqual(
    log.lines.map(({level, fields}) => ({level, fields})),
    [{level: 'warn', fields: {from: 'one', to: 'other'}}],
  );
  await majority.noting(async () => 'kept');
  await fail(2000);
  t.is(looks.length, 1);
});

test('a refusal proves nothing, as a server that is cut off refuses what it knows nothing of', async t => {
  const {clock, looks, majority, fail} = servers(away);
  for (let time = 0; time < 40; time++) {
    await fail(100);
    await majority.noting(
      async () => 'refused',
      answer => answer !== 'refused',
    );
  }
  t.is(clock.monotonic(), 4000);
  t.true(looks.length > 0);
});

test('a core stays where something was kept while the others were asked', async t => {
  const {promise, resolve} = Promise.withResolvers<Message>();
  const {majority, server, looks, fail} = servers(() => promise);
  await fail(4000);
  t.is(looks.length, 1);
  await majority.noting(async () => 'kept');
  resolve(message('', '{"seq": 7}'));
  await settle();
  t.is(server.name, 'one');
  t.is(majority.changes, 0);
});

test('what fails for another reason than that no server answers does not count', async t => {
  const {clock, looks, majority} = servers(away);
  for (let time = 0; time < 10; time++) {
    await clock.advance(1000);
    await t.throwsAsync(
      majority.noting(() => Promise.reject(new TypeError('of ours'))),
      {message: 'of ours'},
    );
  }
  t.is(looks.length, 0);
});

test('what is on its way when a connection is lost is not waited for', async t => {
  const asked = new Asked('_INBOX.a');
  const sent: string[] = [];
  const ask = (isLast = () => true) => asked.ask(60_000, isLast, reply => sent.push(reply));
  const [one, other, several] = [ask(), ask(), ask(() => false)];
  asked.answered(message(sent[1] ?? ''));
  asked.answered(message(sent[2] ?? ''));
  asked.answered(message('_INBOX.a.unknown'));
  t.is((await other).length, 1);
  asked.lost('The connection is lost');
  for (const lost of [one, several]) t.false((await t.throwsAsync(lost, {instanceOf: Away, message: 'The connection is lost'})).isLate);
});

test('a question that cannot be sent fails at once, and one that nobody answers is late', async t => {
  const asked = new Asked('_INBOX.a');
  const unsent = asked.ask(
    60_000,
    () => true,
    () => {
      throw new TypeError('closed');
    },
  );
  t.false((await t.throwsAsync(unsent, {instanceOf: Away})).isLate);
  const unanswered = asked.ask(
    1,
    () => true,
    () => {},
  );
  t.true((await t.throwsAsync(unanswered, {instanceOf: Away})).isLate);
});
