import {randomUUIDv7} from 'node:crypto';
import type {RequestInput} from '../delivery.ts';
import {type Fact, isLast} from '../facts.ts';
import {LimitedLog} from '../limits/limited-log.ts';
import type {MessageOutcome} from '../meter.ts';
import type {ListedHouse} from '../trigger.ts';
import {storedPayloads} from '../work/stored.ts';
import {MessageDelivery, requestOf, type Sender, traceparentOf} from './delivery.ts';
import {attemptOf, doneFact, failedFacts, keepBegin, lastFact, redact} from './facts.ts';
import {handOver} from './hand-over.ts';
import {invocationOf} from './identity.ts';
import type {Message, Terms} from './message.ts';

export interface HandlerOptions extends Omit<Terms, 'concurrency'> {
  readonly type: string;
}

/** Longest wait between two attempts. */
const mostWaitMs = 30_000;
/** How often a message that has not reached the function waits here before it goes back to the broker. */
const mostWaits = 5;

/**
Decides what becomes of each message: it calls the function, or hands the message to work, and then tells the broker. The
broker is told last, so that a crash before leads to another delivery and never to a loss.
*/
export class Handler {
  readonly #options: HandlerOptions;
  readonly #house: ListedHouse;
  readonly #log: LimitedLog;
  /** The newest fact of each invocation that is on its way to the journal. */
  readonly #keeping = new Map<string, Promise<void>>();
  /** Aborts when the trigger closes. */
  readonly #closing: AbortSignal;

  constructor(options: HandlerOptions, house: ListedHouse, closing: AbortSignal) {
    this.#options = options;
    this.#house = house;
    this.#log = new LimitedLog(house.log, house.clock);
    this.#closing = closing;
  }

  /**
  Never rejects.

  @param ending aborts when the broker delivers again by itself what is not acknowledged: then no further attempt is begun, except
  with what it has forgotten
  */
  async handle(message: Message, ending = this.#closing): Promise<MessageOutcome> {
    const [{name, clock}, {key, sentAt = 0}] = [this.#house, message];
    const id = key === undefined ? randomUUIDv7() : invocationOf(name, key, sentAt);
    const isForWork = this.#options.ack === 'accepted';
    const hasEnd = isForWork || (this.#options.attempts ?? message.attempts) !== undefined; // else it would hold its connection for ever
    const until = message.isForgotten && hasEnd ? this.#closing : ending;
    for (let tries = 1; ; tries++) {
      try {
        return await (isForWork ? this.#accept(id, message, until) : this.#call(id, message, {ending: until, tries}));
      } catch (error) {
        const cause = error instanceof Error ? error.message : String(error);
        const fields = {trigger: name, invocationId: id, cause};
        this.#log.write('warn', 'message', fields, 'A message could not be acknowledged: it is delivered again');
      }
      const afterMs = this.#waitAfter(Math.max(tries, message.attempt ?? 1));
      if (message.giveBack) await message.giveBack(afterMs).catch(() => {}); // then the connection is gone
      const isCutOff = ending.aborted && tries > mostWaits; // where it was to be put aside was reached over the connection that is lost
      if (message.giveBack || isCutOff || !(await clock.sleep(afterMs, until)) || isOthers(message)) return 'unacknowledged';
    }
  }

  /** Hands it to work, which tries it and keeps what becomes of it. */
  async #accept(id: string, message: Message, ending: AbortSignal): Promise<MessageOutcome> {
    const {hall, journal, clock, name} = this.#house;
    if (!hall) throw new TypeError('Expected work to be on');
    const request = requestOf({name, type: this.#options.type, id}, message, 1);
    const payloads = storedPayloads(id, {request, subject: name}, redact);
    const {lane: orderingKey} = message;
    const traceparent = traceparentOf(message);
    const trace = traceparent !== undefined && {traceparent};
    const data = {source: name, bytes: message.body.length, attempt: 1, ...trace, dataref: `invocation.${id}/request`};
    const now = clock.now();
    const item = {id, acceptedAt: now, due: now, ...trace, ...(orderingKey !== undefined && {orderingKey: `${name}/${orderingKey}`})};
    for (let tries = 0; ; tries++) {
      const accepted: Fact = {type: 'invocation.accepted', data};
      const how = await handOver({store: hall.store, journal}, item, {facts: [accepted], payloads, most: hall.most});
      if (how === 'tried') return this.#call(id, message, {ending, tries: 1});
      if (how !== 'full') {
        hall.runner?.wake();
        await message.accept();
        return how === 'again' ? 'duplicate' : 'accepted';
      }
      if (await this.#stays(message, this.#waitAfter(tries + 1), {mayStay: tries < mostWaits, ending})) continue;
      if (!message.isForgotten || !message.bury) return 'given-back';
      await message.bury('work has no room for it, and the core stops');
      return 'buried';
    }
  }

  /** Calls the function, again and again where the broker itself does not deliver again. */
  async #call(id: string, message: Message, {ending, tries}: {ending: AbortSignal; tries: number}): Promise<MessageOutcome> {
    const {journal, clock, name} = this.#house;
    const sender: Sender = {name, type: this.#options.type, id};
    if (this.#keeping.has(id)) await this.#keeping.get(id); // of the same message, which came twice
    const mayBeKnown = tries > 1 || (message.mayBeAgain && message.key !== undefined);
    const known = mayBeKnown ? await journal.last(`invocation.${id}`, {now: true, isAppended: true}) : undefined;
    if (mayBeKnown && known === undefined) message.isNew?.();
    const isOver = known !== undefined && isLast(known.fact.type);
    const isRedriven = isOver && isDead(known.fact) && message.isFresh === true && tries === 1;
    if (isOver && !isRedriven) return this.#endAgain(message, known.fact);
    const most = this.#options.attempts ?? message.attempts;
    let [isFirst, deadForMs] = [known === undefined, isRedriven ? clock.now() - known.at : undefined];
    let waits = 0;
    for (let attempt = attemptOf(message.attempt, known?.fact); ; ) {
      const request = requestOf(sender, message, attempt);
      void this.#keep(id, keepBegin(journal, {name, id, attempt, isFirst, deadForMs}, request));
      [isFirst, deadForMs] = [false, undefined];
      const delivery = await this.#deliver(sender, message, request, attempt);
      const {result, end} = delivery;
      const fault = result?.fault;
      if (result && !fault && result.status < 300) {
        const {fact, payloads} = doneFact(result, end);
        void this.#keep(id, journal.append(`invocation.${id}`, [fact], {payloads, lingers: true}));
        await message.accept();
        return 'done';
      }
      const isBrokenOff = fault?.code === 'CALLER_LEFT';
      const reached = !isBrokenOff && fault?.code !== 'HANDLER_MISSING' && (fault?.reached ?? true);
      const isLastOne = reached && most !== undefined && attempt >= most && message.bury !== undefined;
      const afterMs = isLastOne ? undefined : isBrokenOff ? 0 : this.#waitAfter(reached ? attempt : attempt + waits);
      const status = result?.status ?? 500;
      const code = fault?.code ?? 'HANDLER_FAILED';
      const {facts, payloads} = failedFacts({attempt, end, code, reached, afterMs, status});
      await this.#keep(id, journal.append(`invocation.${id}`, facts, {payloads}));
      if (afterMs === undefined) {
        await message.bury?.(`${code}, status ${status}, after ${attempt} attempts`);
        return 'buried';
      }
      const mayStay = !reached && !isBrokenOff && waits++ < mostWaits;
      if (!(await this.#stays(message, afterMs, {mayStay, ending}))) {
        if (!message.isForgotten || !message.bury) return 'given-back';
        await this.#keep(id, journal.append(`invocation.${id}`, [lastFact(end, status)], {payloads: end?.payloads ?? []}));
        await message.bury(`${code}, status ${status}, and the core stops`);
        return 'buried';
      }
      if (reached) attempt++;
    }
  }

  /**
  Waits here, or gives the message back. Brokers count what goes back, and give up after some times: so what has not reached
  the function may stay. @returns whether it is still here
  */
  async #stays(message: Message, afterMs: number, {mayStay, ending}: {mayStay: boolean; ending: AbortSignal}): Promise<boolean> {
    if (!mayStay && message.giveBack) {
      await message.giveBack(afterMs);
      return false;
    }
    if (!isOthers(message) && (await this.#house.clock.sleep(afterMs, ending)) && !isOthers(message)) return true;
    await message.giveBack?.(0).catch(() => {}); // where it cannot be given back, the broker delivers it to the next connection
    return false;
  }

  /** It was done, or put aside, and the broker was not told, or did not hear. */
  async #endAgain(message: Message, fact: Fact): Promise<MessageOutcome> {
    if (isDead(fact) && message.bury) {
      await message.bury('it had failed as often as it may');
      return 'buried';
    }
    await message.accept();
    return 'duplicate';
  }

  async #deliver(sender: Sender, message: Message, request: RequestInput, attempt: number): Promise<MessageDelivery> {
    const {hurry: signal, budget, deliver} = this.#house;
    const delivery = new MessageDelivery(sender, message, {request, attempt, signal, budget});
    await deliver(delivery);
    return delivery;
  }

  /** Nobody waits for facts: until the broker is told it has the message, and what it is told counts also if they cannot be kept. */
  #keep(id: string, kept: Promise<unknown>): Promise<void> {
    const isOver = () => {
      if (this.#keeping.get(id) === mine) this.#keeping.delete(id);
    };
    const mine = kept.then(isOver, (error: Error) => {
      isOver();
      const fields = {trigger: this.#house.name, invocationId: id, cause: error.message};
      this.#log.write('error', 'message fact', fields, 'What became of a message could not be kept');
    });
    this.#keeping.set(id, mine);
    return mine;
  }

  #waitAfter(attempt: number): number {
    return Math.min(mostWaitMs, this.#options.retryMs * 2 ** Math.min(20, attempt - 1));
  }
}

const isOthers = (message: Message) => message.isOurs?.() === false;

const isDead = (fact: Fact) => fact.type === 'invocation.settled' && fact.data.outcome === 'dead-lettered';
