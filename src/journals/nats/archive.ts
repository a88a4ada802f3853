import {type Clock, systemClock} from '../../clock.ts';
import {JournalDamaged, type Recorded} from '../../journal.ts';
import type {JournalArchive, Tell, Verdict} from '../engine.ts';
import {Followed} from './followed.ts';
import {readFacts} from './message.ts';
import {connected, placeOf} from './open.ts';
import {Own} from './own.ts';
import {readPayload} from './payloads.ts';
import {Reading} from './reading.ts';
import {Streams} from './streams.ts';
import {subjectsOf} from './subjects.ts';
import {type Item, readItem, stateOf} from './work/item.ts';
import {firstIn} from './work/keys.ts';

/** Reads a journal beside the cores that write it. For commands. @throws JournalRefused */
export async function openArchive(place: string, clock: Clock): Promise<JournalArchive> {
  const {application, ...access} = placeOf(place);
  const transport = await connected(access);
  const subjects = subjectsOf(application);
  const closing = new AbortController();
  const patience = {clock, closing: closing.signal};
  const reading = new Reading(transport, subjects, patience);
  const streams = new Streams(reading, subjects, new Own());
  const followed = new Followed({transport, reading, subjects, patience, after: (ms, fire) => clock.after(ms, fire), flush() {}});
  return {
    last: (stream, {now = false} = {}) => streams.last(stream, now),
    read: stream => streams.read(stream),
    scan: (prefix, {after = 0} = {}) => streams.scan(prefix, after),
    follow: options => followed.follow(options),
    payload: name => readPayload(reading, subjects, name),
    before: at => streams.before(at),

    async *work() {
      const items = new Map<string, Item>();
      for await (const kept of reading.walk({of: subjects.work, from: 1})) {
        const item = readItem(kept);
        if (item) items.set(kept.subject, item);
        else items.delete(kept.subject); // it has ended meanwhile
      }
      const inOrder = [...items.values()].toSorted((one, other) => one.order - other.order);
      for (const item of inOrder) yield stateOf(item, false);
    },

    async *keys() {
      for await (const kept of reading.walk({of: subjects.keys, from: 1})) {
        const first = firstIn(kept);
        if (first && first.until > clock.now()) yield first;
      }
    },

    async *readable(tell) {
      for await (const kept of reading.walk({of: subjects.facts, from: 1})) yield* readable(() => readFacts(kept), tell);
    },

    [Symbol.dispose]() {
      closing.abort();
      void followed.end();
      void transport.close();
    },
  };
}

/** Reads every fact. The servers check the sums of what they keep by themselves. */
export async function verify(place: string, tell?: Tell): Promise<Verdict> {
  using archive = await openArchive(place, systemClock);
  const problems: string[] = [];
  let [facts, first, last] = [0, 0, 0];
  for await (const {position} of archive.readable(problem => problems.push(problem))) {
    if (facts === 0) first = position;
    last = position;
    if (++facts % 1000 === 0) tell?.(facts, facts);
  }
  return {facts, first, last, payloads: 0, problems};
}

function* readable(read: () => readonly Recorded[], tell: (problem: string) => void): Generator<Recorded> {
  try {
    yield* read();
  } catch (error) {
    if (!(error instanceof JournalDamaged)) throw error;
    tell(error.message);
  }
}
