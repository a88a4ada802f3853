import {randomUUID} from 'node:crypto';
import {Fault} from '../../errors.ts';
import type {Fact} from '../../facts.ts';
import type {Payload} from '../../journal.ts';
import type {JournalHouse} from '../engine.ts';
import {type Name, namer} from '../named.ts';
import {type Group, joinGroups, mostFacts, writeGroup, writeGroups} from './message.ts';
import type {Own} from './own.ts';
import {piecesOf} from './payloads.ts';
import {isPacked, type Subjects} from './subjects.ts';
import type {Entry, Writing} from './writing.ts';

/** Facts that nobody waits for are sent after this time at the latest. */
const lingerMs = 50;
/** They are sent earlier when they have so many characters. */
const lingerCharacters = 2 ** 17;
/** When more than this waits to be kept, appends are refused. */
const busyBytes = 2 ** 25;

export interface OutboxHouse extends Pick<JournalHouse, 'clock' | 'meter' | 'memoryBytes' | 'core'> {
  readonly writing: Writing;
  readonly subjects: Subjects;
  readonly own: Own;
  /** How long a request or reply that nobody waited for is kept. */
  readonly payloadsMs: number;
}

/** A message that nobody waits for: what it has, and what is dropped if it cannot be kept. */
interface Sent {
  readonly bytes: number;
  readonly facts?: number;
  readonly payloads?: number;
  /** Of these facts. */
  readonly stream?: string;
  /** What it is kept under. */
  readonly id?: string;
}

/** What waits to be kept. It has a bound: appends are refused past it, facts that nobody waits for are dropped before. */
export class Outbox {
  readonly #house: OutboxHouse;
  readonly #mostBytes: number;
  readonly named: Name;
  /** Appends on their way, and what is recorded. */
  readonly #appending = new Set<Promise<unknown>>();
  readonly #recording = new Set<Promise<unknown>>();
  #bytes = 0;
  /** Facts that wait for others to be sent with. */
  #groups: string[] = [];
  #characters = 0;
  #facts = 0;
  #stopLinger: (() => void) | undefined;

  constructor(house: OutboxHouse) {
    this.#house = house;
    this.#mostBytes = house.memoryBytes ?? busyBytes;
    this.named = namer(house.core);
  }

  /** Counts what is appended as waiting until it is kept. @throws Fault JOURNAL_BUSY */
  async while<T>(bytes: number, act: () => Promise<T>): Promise<T> {
    if (this.#bytes > this.#mostBytes) throw new Fault('JOURNAL_BUSY', {retryAfterS: 1});
    const {clock, meter} = this.#house;
    const began = clock.monotonic();
    this.#bytes += bytes;
    const acting = act();
    track(this.#appending, acting);
    try {
      const done = await acting;
      meter.appended((clock.monotonic() - began) / 1000);
      return done;
    } finally {
      this.#bytes -= bytes;
    }
  }

  record(stream: string, facts: readonly Fact[], payloads: readonly Payload[], isFollowed: boolean): void {
    const {clock, subjects, own, payloadsMs} = this.#house;
    if (this.#bytes > this.#mostBytes / 2) {
      this.shed(facts.length, payloads.length);
      return;
    }
    const kept = this.#bytes > this.#mostBytes / 4 ? [] : payloads.filter(({bytes}) => bytes.length <= this.#mostBytes / 4);
    this.shed(0, payloads.length - kept.length);
    for (const payload of kept) {
      const id = randomUUID(); // whoever reads knows by it which pieces belong together
      for (const [number, piece] of piecesOf(subjects, payload, payloadsMs / 1000).entries())
        this.#send(piece, {bytes: piece.body.length, payloads: 1, id: `${id}.${number}`});
    }
    const group: Group = [stream, clock.now(), this.named(facts)];
    if (!isPacked(stream) || own.of(stream) > 0) {
      this.flush();
      const body = writeGroups([group]);
      this.#send({subject: subjects.of(stream), body}, {bytes: body.length, facts: facts.length, stream});
      return;
    }
    if (this.#facts + facts.length > mostFacts) this.flush();
    const text = writeGroup(group);
    this.#groups.push(text);
    this.#facts += facts.length;
    this.#characters += text.length;
    if (isFollowed || this.#characters > lingerCharacters) this.flush();
    else this.#stopLinger ??= clock.after(lingerMs, () => this.flush());
  }

  /** Sends the facts that wait for others. */
  flush(): void {
    this.#stopLinger?.();
    this.#stopLinger = undefined;
    if (this.#groups.length === 0) return;
    const body = joinGroups(this.#groups.splice(0));
    this.#send({subject: this.#house.subjects.packs, body}, {bytes: body.length, facts: this.#facts});
    this.#facts = 0;
    this.#characters = 0;
  }

  /** Waits until all that was handed over is kept, or dropped. */
  async settled(): Promise<void> {
    this.flush();
    await Promise.allSettled([...this.#appending, ...this.#recording]);
  }

  /** Waits until what was recorded before is kept, or dropped. */
  async recorded(): Promise<void> {
    this.flush();
    if (this.#recording.size > 0) await Promise.allSettled([...this.#recording]);
  }

  /** Counts facts and payloads that are not kept. */
  shed(facts: number, payloads: number): void {
    const {meter} = this.#house;
    if (facts > 0) meter.shed(facts);
    if (payloads > 0) meter.payloadsShed(payloads);
  }

  #send(entry: Entry, {bytes, facts = 0, payloads = 0, stream, id = randomUUID()}: Sent): void {
    this.#bytes += bytes;
    const {writing} = this.#house;
    const sending = writing
      .turn(false, () => writing.write(id, [entry]))
      .then(
        written => {
          if (stream !== undefined && typeof written === 'object') this.#house.own.note(stream, written.sequence);
        },
        () => this.shed(facts, payloads),
      );
    const done = sending.finally(() => {
      this.#bytes -= bytes;
    });
    track(this.#recording, done);
  }
}

function track(set: Set<Promise<unknown>>, promise: Promise<unknown>): void {
  set.add(promise);
  const done = () => set.delete(promise);
  promise.then(done, done);
}
