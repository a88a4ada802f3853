import {atTurnEnd, type Clock} from '../../clock.ts';
import {Fault} from '../../errors.ts';
import {type Fact, isLast} from '../../facts.ts';
import {type Payload, type Receipt, RevisionConflict, type StreamAppend} from '../../journal.ts';
import type {JournalHouse} from '../engine.ts';
import {type Name, namer} from '../named.ts';
import {failed, receiptOf} from './answers.ts';
import {type Command, flags, type Outcome, type WrittenFact} from './command.ts';
import {type Barrier, gather} from './gather.ts';
import {Group} from './group.ts';

/** Facts that nobody waits for are sent after this time at the latest: a commit costs as much as many facts. */
const lingerMs = 50;
/** They are sent earlier when they are this part of what may wait. */
const lingerPart = 1 / 32;
/** When more than this is not kept yet, appends are refused. */
const busyBytes = 2 ** 25;
/** What a fact takes in memory and on the wire beside its body. */
const factBytes = 100;

/** A group on its way, and who waits until it, and all before it, is kept. */
export interface Batch {
  readonly group: Group;
  readonly barriers: readonly Barrier[];
  readonly size: number;
  /** The batch of which it is one command. */
  readonly within?: Batch | undefined;
}

/** Gathers commands into groups. One group is on its way at a time; what comes meanwhile is the next one. */
export class Queue {
  readonly #clock: Clock;
  readonly #meter: JournalHouse['meter'];
  readonly #wake: () => void;
  readonly #busyBytes: number;
  readonly #named: Name;
  #waiting: (Command | Barrier)[] = [];
  #waitingBytes = 0;
  #sentBytes = 0;
  /** Nothing lingers: somebody waits for what was gathered. */
  #isUrgent = false;
  #isWakeAtTurnEnd = false;
  #stopLinger: (() => void) | undefined;
  /** Why nothing can be kept now. */
  #away: string | undefined;

  /** @param wake called when there is a group to take */
  constructor({clock, meter, memoryBytes = busyBytes, core}: Omit<JournalHouse, 'log'>, wake: () => void) {
    this.#clock = clock;
    this.#meter = meter;
    this.#busyBytes = memoryBytes;
    this.#named = namer(core);
    this.#wake = wake;
  }

  async appendAll(appends: readonly StreamAppend[]): Promise<Receipt> {
    const outcome = await this.send(appends);
    if ('position' in outcome) return receiptOf(outcome);
    if (!('conflict' in outcome)) throw new TypeError('Expected facts to be kept or refused');
    const refused = appends.find(({stream}) => stream === outcome.stream);
    throw new RevisionConflict(outcome.stream, refused?.expect ?? 0, outcome.conflict);
  }

  /** Hands a command over and waits until it is kept or refused. @throws Fault JOURNAL_BUSY, JOURNAL_FAILED */
  send(appends: readonly (Omit<StreamAppend, 'facts'> & {readonly facts: readonly Fact[]})[], work?: object): Promise<Outcome> {
    if (this.#away !== undefined) return Promise.reject(failed(this.#away));
    if (this.#bytes > this.#busyBytes) return Promise.reject(new Fault('JOURNAL_BUSY', {retryAfterS: 1}));
    const at = this.#clock.now();
    const facts = appends.flatMap(({facts}, part) => this.#named(facts).map(fact => written(fact, part, at, 0)));
    const payloads = appends.flatMap(({payloads = []}) => payloads);
    const parts = appends.map(({stream: name, expect}) => ({name, expect}));
    return new Promise((resolve, reject) => {
      this.#put({parts, facts, payloads, work, size: sizeOf(facts, payloads), waiter: {resolve, reject}});
      this.#wakeAtTurnEnd();
    });
  }

  /** @param isFollowed a follower waits for the facts, so they do not linger */
  record(stream: string, facts: readonly Fact[], payloads: readonly Payload[], isFollowed: boolean): void {
    const held = this.#bytes;
    if (held > this.#busyBytes / 2) {
      this.shed(facts.length, payloads.length);
      return;
    }
    const affordable = held <= this.#busyBytes / 4 ? payloads.filter(({bytes}) => bytes.length <= this.#busyBytes) : [];
    if (affordable.length < payloads.length) this.shed(0, payloads.length - affordable.length);
    const at = this.#clock.now();
    const kept = this.#named(facts).map(fact => written(fact, 0, at, flags.recorded));
    this.#put({parts: [{name: stream}], facts: kept, payloads: affordable, size: sizeOf(kept, affordable)});
    if (this.#waitingBytes > this.#busyBytes * lingerPart) this.flush();
    else if (isFollowed) this.#wakeAtTurnEnd();
    else this.#stopLinger ??= this.#clock.after(lingerMs, () => this.flush());
  }

  /** Resolves when everything that was handed over before is kept or refused. @throws Fault JOURNAL_FAILED */
  settled(): Promise<void> {
    if (this.#away !== undefined) return Promise.reject(failed(this.#away));
    if (this.#waiting.length === 0 && this.#sentBytes === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiting.push({pass: resolve, reject});
      this.flush();
    });
  }

  /** Counts facts and payloads that are not kept. */
  shed(facts: number, payloads: number): void {
    if (facts > 0) this.#meter.shed(facts);
    if (payloads > 0) this.#meter.payloadsShed(payloads);
  }

  /** What was gathered may be taken now. */
  flush(): void {
    this.#isUrgent = true;
    this.#isWakeAtTurnEnd = false;
    this.#stopLinger?.();
    this.#stopLinger = undefined;
    this.#wake();
  }

  /** The next group. */
  take(): Batch | undefined {
    if (!this.#isUrgent) return undefined;
    const {commands, barriers, size, count} = gather(this.#waiting);
    this.#waiting.splice(0, count);
    this.#waitingBytes -= size;
    this.#sentBytes += size;
    if (this.#waiting.length === 0) this.#isUrgent = false;
    if (commands.length > 0) return {group: new Group(commands), barriers, size};
    for (const {pass} of barriers) pass();
    return undefined;
  }

  /** The group is kept, or was refused. */
  done({barriers, size}: Batch): void {
    this.#sentBytes -= size;
    for (const {pass} of barriers) pass();
  }

  /** The group was not kept, as far as anybody knows. */
  lost(batch: Batch, why: string): void {
    for (const {waiter, facts, payloads} of batch.group.commands) if (!waiter) this.shed(facts.length, payloads.length);
    this.giveUp({...batch, within: undefined}, why);
    this.#sentBytes -= batch.size;
  }

  /** Nobody is left waiting for a batch that may still be kept. */
  giveUp({group, barriers, within}: Batch, why: string): void {
    group.fail(() => failed(why));
    for (const {reject} of barriers) reject(failed(why));
    if (within) this.giveUp(within, why);
  }

  /** Nothing can be kept: who waits is told so, and so is who comes. Facts that nobody waits for stay, as long as there is room. */
  leave(why: string): void {
    this.#away = why;
    const staying: Command[] = [];
    for (const each of this.#waiting) {
      if ('pass' in each) each.reject(failed(why));
      else if (!each.waiter) staying.push(each);
      else {
        each.waiter.reject(failed(why));
        this.#waitingBytes -= each.size;
      }
    }
    this.#waiting = staying;
  }

  /** Everything can be kept again. */
  comeBack(): void {
    this.#away = undefined;
    if (this.#waiting.length > 0) this.flush();
  }

  /** Of everything that is not kept yet. */
  get #bytes(): number {
    return this.#waitingBytes + this.#sentBytes;
  }

  #put(command: Command): void {
    this.#waiting.push(command);
    this.#waitingBytes += command.size;
  }

  #wakeAtTurnEnd(): void {
    if (this.#isWakeAtTurnEnd) return;
    this.#isWakeAtTurnEnd = true;
    atTurnEnd(() => this.flush());
  }
}

function written(fact: Fact, part: number, at: number, more: number): WrittenFact {
  return {part, at, flags: more + (isLast(fact.type) ? flags.ends : 0), body: JSON.stringify(fact)};
}

function sizeOf(facts: readonly WrittenFact[], payloads: readonly Payload[]): number {
  let size = 0;
  for (const {body} of facts) size += body.length + factBytes;
  for (const {bytes} of payloads) size += bytes.length + factBytes;
  return size + 1;
}
