import {randomUUID, randomUUIDv7} from 'node:crypto';
import test, {type ExecutionContext} from 'ava';
import {isoStamp, systemClock} from '../../src/clock.ts';
import type {Fact} from '../../src/facts.ts';
import type {NatsJournal} from '../../src/journals/nats/journal.ts';
import {subjectsOf} from '../../src/journals/nats/subjects.ts';
import type {Message, Transport} from '../../src/journals/nats/transport.ts';
import type {Claimed} from '../../src/work.ts';
import {natsServer, startNats} from '../helpers/nats.ts';
import {asking, natsJournal} from '../helpers/nats-journal.ts';

/* The order of a key, when a core hears of an item later than the item changes: it was stopped, or its server was. */

const limits = {attempts: 9, deaths: 2};
const accepted: Fact = {type: 'invocation.accepted', data: {source: 'work', bytes: 0, attempt: 1}};
const failed: Fact = {type: 'attempt.failed', data: {attempt: 1, class: 'error', retryable: true, code: 'HANDLER_FAILED'}};
const settled: Fact = {type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 1}};

/** What a core hears of work, held back at the servers, and behind a message on its way from there. */
class Ear {
  readonly #subjects: ReturnType<typeof subjectsOf>;
  /** From the beginning. */
  readonly #isHeld: boolean;
  #transport: Transport | undefined;
  #consumer = '';
  /** The message by which the core knows that it has heard all. */
  #mark = '';
  readonly marked = Promise.withResolvers<void>();
  #last: string | undefined;
  #lastCame = Promise.withResolvers<void>();
  #late: (() => void)[] | undefined;

  constructor(application: string, {isHeld = false} = {}) {
    this.#subjects = subjectsOf(application);
    this.#isHeld = isHeld;
  }

  readonly wrap = (transport: Transport): Transport => {
    this.#transport = transport;
    return Object.assign(
      asking(transport, (...given) => this.#ask(transport, given)),
      {
        subscribe: (subject: string, hear: (message: Message) => void) =>
          transport.subscribe(subject, message => this.#pass(message, hear)),
      },
    );
  };

  hold = () => this.#pause({pause_until: isoStamp(systemClock.now() + 3_600_000)});

  /** The servers go on; behind the last of these messages the core hears nothing until it is released. */
  async goOn(last: 'mark' | {id: string}): Promise<void> {
    this.#last = last === 'mark' ? this.#mark : this.#subjects.item(last.id);
    await this.#pause({});
    await this.#lastCame.promise;
  }

  release(): void {
    const late = this.#late ?? [];
    this.#late = undefined;
    this.#last = undefined;
    for (const hear of late) hear();
  }

  async #pause(until: object): Promise<void> {
    await this.#transport?.request(`$JS.API.CONSUMER.PAUSE.${this.#subjects.stream}.${this.#consumer}`, JSON.stringify(until));
  }

  async #ask(transport: Transport, [subject, body, ...more]: Parameters<Transport['request']>): Promise<Message> {
    if (!subject.startsWith('$JS.API.CONSUMER.CREATE')) {
      const answer = await transport.request(subject, body, ...more);
      if (subject === this.#mark) this.marked.resolve();
      return answer;
    }
    const ask = JSON.parse(String(body));
    this.#mark = ask.config.filter_subjects.at(-1);
    if (this.#isHeld) ask.config.pause_until = isoStamp(systemClock.now() + 3_600_000);
    const answer = await transport.request(subject, JSON.stringify(ask), ...more);
    this.#consumer = JSON.parse(Buffer.from(answer.body).toString()).name;
    return answer;
  }

  #pass(message: Message, hear: (message: Message) => void): void {
    const isOfWork = message.reply.startsWith('$JS.ACK.');
    if (isOfWork && this.#late) {
      this.#late.push(() => hear(message));
      return;
    }
    hear(message);
    if (!isOfWork || message.subject !== this.#last) return;
    this.#late = [];
    this.#lastCame.resolve();
  }
}

if (!natsServer) test.skip('there is no nats-server: CORE_TEST_NATS names the folder that has it', () => {});
else {
  const cluster = await startNats(1);
  test.after.always(() => cluster[Symbol.asyncDispose]());

  async function startOne(t: ExecutionContext, application: string, wrap = (transport: Transport) => transport) {
    const journal = await natsJournal(t, cluster, systemClock, {application, core: randomUUID(), wrap});
    t.teardown(() => journal[Symbol.asyncDispose]());
    return journal;
  }

  async function sendTwo({work}: NatsJournal): Promise<[string, string]> {
    const ids: [string, string] = [randomUUIDv7(), randomUUIDv7()];
    for (const id of ids) await work.enqueue({id, acceptedAt: 0, due: 0, orderingKey: 'k'}, {facts: [accepted], payloads: [], most: 9});
    return ids;
  }

  async function claimOne({work}: NatsJournal, id: string) {
    const claimed = await work.claim(5, limits);
    if (claimed.length !== 1 || claimed[0]?.id !== id) throw new Error(`Expected ${id}, got ${claimed.map(each => each.id)}`);
    return claimed[0];
  }

  const retry = {facts: [failed], due: 0, deaths: 0};

  /** The one that was late claims nothing as yet, and then all in order. */
  async function runsInOrder(t: ExecutionContext, journal: NatsJournal, ear: Ear, ids: readonly string[], claimed: readonly Claimed[]) {
    t.deepEqual(
      claimed.map(({id}) => ids.indexOf(id)),
      [],
      'it had not heard of the first',
    );
    ear.release();
    for (const id of ids) t.true(await journal.work.settle(await claimOne(journal, id), {facts: [settled]}));
  }

  test('a core that hears of the second item of a key knows of the first, however often that has changed meanwhile', async t => {
    const application = randomUUID();
    const ear = new Ear(application);
    const [one, other] = [await startOne(t, application), await startOne(t, application, ear.wrap)];
    await other.work.census();
    await ear.hold();
    const [first, second] = await sendTwo(one);
    t.true(await one.work.retryAt(await claimOne(one, first), retry));
    await ear.goOn({id: second});
    await runsInOrder(t, other, ear, [first, second], await other.work.claim(5, limits));
  });

  test('a core that has heard all that there was knows of the first item of a key, also if that changes while it hears', async t => {
    const application = randomUUID();
    const ear = new Ear(application, {isHeld: true});
    const [one, other] = [await startOne(t, application), await startOne(t, application, ear.wrap)];
    const [first, second] = await sendTwo(one);
    const claimed = await claimOne(one, first);
    const claiming = other.work.claim(5, limits);
    await ear.marked.promise;
    t.true(await one.work.retryAt(claimed, retry));
    await ear.goOn('mark');
    await runsInOrder(t, other, ear, [first, second], await claiming);
  });

  test('an item has one message, and one for its place in the order of its key, until it holds back no other', async t => {
    const application = randomUUID();
    let transport: Transport | undefined;
    const one = await startOne(t, application, same => {
      transport = same;
      return same;
    });
    const {stream, item, place} = subjectsOf(application);
    const ask = async (name: string, body: object) => {
      const answer = await transport?.request(`$JS.API.${name}.${stream}`, JSON.stringify(body));
      return JSON.parse(Buffer.from(answer?.body ?? '').toString());
    };
    const counts = async (id: string) => {
      const found = await Promise.all([item(id), place(id)].map(subject => ask('STREAM.INFO', {subjects_filter: subject})));
      return found.map(({state}) => Object.values(state.subjects ?? {}));
    };
    const hasPlace = async (id: string) => (await ask('STREAM.MSG.GET', {last_by_subj: place(id)})).message?.data !== undefined;
    const [first, second] = await sendTwo(one);
    t.true(await one.work.retryAt(await claimOne(one, first), retry));
    const again = await claimOne(one, first);
    t.deepEqual(await counts(first), [[1], [1]]);
    t.true(await hasPlace(first));
    t.true(await one.work.settle(again, {facts: [settled]}));
    t.false(await hasPlace(first));
    const dead = await claimOne(one, second);
    t.true(await hasPlace(second));
    t.true(await one.work.settle(dead, {facts: [settled], dead: {why: 'exhausted', class: 'error', status: 500}}));
    t.false(await hasPlace(second));
    t.true(await one.work.redrive(second, {facts: [accepted], due: 0}));
    t.true(await hasPlace(second));
    t.deepEqual(await counts(second), [[1], [1]]);
    t.true((await one.work.cancel(second, {facts: [settled]})) === 'waiting');
    t.false(await hasPlace(second));
  });
}
