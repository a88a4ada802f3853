import {readFileSync} from 'node:fs';
import {isoStamp} from '../../src/clock.ts';
import type {Fact} from '../../src/facts.ts';
import type {JournalReader, Recorded} from '../../src/journal.ts';
import type {Acknowledged, Sender, Stall} from './sender.ts';

const mostExamples = 12;
const mostStalls = 3;

/** What became of everything that was acknowledged. The first five must be 0. */
export interface Verdict {
  readonly lost: number;
  /** Ids given twice, and facts that a stream has twice. */
  readonly doubled: number;
  readonly settledTwice: number;
  readonly outOfOrder: number;
  readonly missed: number;
  readonly acknowledged: number;
  readonly occurrences: number;
  /** At least once: what ran to its end when its core died, or was taken for dead, runs again. */
  readonly ranTwice: number;
  readonly longestStallMs: number;
  /** The longest one of each of the senders that waited longest: how each try ended, and what happened then. */
  readonly stalls: readonly {
    readonly ms: number;
    readonly msAfterTroubles: number;
    readonly tries: readonly string[];
    readonly troubles: readonly string[];
  }[];
  /** Facts of what went wrong. */
  readonly examples: readonly string[];
}

/** A schedule that fires every so many milliseconds. */
export interface Ticking {
  readonly name: string;
  readonly everyMs: number;
}

/** What was asked of the cores. */
export interface Asked {
  readonly senders: readonly Pick<Sender, 'acknowledged' | 'doubled' | 'longest'>[];
  readonly schedules: readonly Ticking[];
  /** Occurrences until this wall time are judged: later ones may still run. */
  readonly through: number;
}

type Archive = Pick<JournalReader, 'scan'>;
type Streams = ReadonlyMap<string, readonly Recorded[]>;

export async function judge(
  archive: Archive,
  {senders, schedules, through}: Asked,
  log: string,
  made: {during(stall: Stall): readonly string[]; afterwards(stall: Stall): number},
): Promise<Verdict> {
  const invocations = await streams(archive, 'invocation.');
  const occurrences = await streams(archive, 'schedule.');
  const acknowledged = senders.flatMap(sender => sender.acknowledged);
  const lost = acknowledged.filter(({id}) => endsOf(invocations, id).length === 0).map(({id}) => id);
  const settledTwice = [...invocations.keys()].map(idOf).filter(id => endsOf(invocations, id).length > 1);
  const disordered = senders.flatMap(sender => outOfOrder(invocations, sender.acknowledged));
  const gone = schedules.flatMap(each => missed(invocations, occurrences, each, through));
  const again = [...invocations.values(), ...occurrences.values()].flatMap(repeated);
  const stalls = senders.map(({longest}) => longest).toSorted((one, other) => other.ms - one.ms);
  return {
    lost: lost.length,
    doubled: senders.reduce((sum, {doubled}) => sum + doubled.length, 0) + twice(acknowledged.map(({id}) => id)) + again.length,
    settledTwice: settledTwice.length,
    outOfOrder: disordered.length,
    missed: gone.length,
    examples: [
      ...[...disordered.flat(), ...settledTwice, ...lost].map(id => shown(invocations.get(`invocation.${id}`), id)),
      ...gone.map(
        ({name, at, id}) =>
          `${shown(occurrences.get(streamOf(name, at)), streamOf(name, at))} ${shown(invocations.get(`invocation.${id}`))}`,
      ),
      ...again.map(recorded => shown([recorded], `${recorded.stream} has this twice`)),
    ].slice(0, mostExamples),
    acknowledged: acknowledged.length,
    occurrences: occurrences.size,
    ranTwice: twice(readFileSync(log, 'utf8').split('\n').filter(Boolean)),
    longestStallMs: Math.round(stalls[0]?.ms ?? 0),
    stalls: stalls.slice(0, mostStalls).map(stall => ({
      ms: Math.round(stall.ms),
      msAfterTroubles: Math.round(made.afterwards(stall)),
      tries: stall.tries,
      troubles: made.during(stall),
    })),
  };
}

/** How many of these have no end yet. */
export async function unsettled(archive: Archive, {senders, schedules, through}: Asked): Promise<number> {
  const invocations = await streams(archive, 'invocation.');
  const occurrences = await streams(archive, 'schedule.');
  const open = schedules.flatMap(each => missed(invocations, occurrences, each, through)).length;
  return open + senders.flatMap(sender => sender.acknowledged).filter(({id}) => endsOf(invocations, id).length === 0).length;
}

async function streams(archive: Archive, prefix: string): Promise<Streams> {
  const found = new Map<string, Recorded[]>();
  for await (const recorded of archive.scan(prefix)) {
    const facts = found.get(recorded.stream);
    if (facts) facts.push(recorded);
    else found.set(recorded.stream, [recorded]);
  }
  return found;
}

const of = (invocations: Streams, id: string, type: string) =>
  (invocations.get(`invocation.${id}`) ?? []).filter(({fact}) => fact.type === type).map(({position}) => position);
const endsOf = (invocations: Streams, id: string) => of(invocations, id, 'invocation.settled');

/** Each item of a key must begin after the one before it has ended. */
function outOfOrder(invocations: Streams, sent: readonly Acknowledged[]): [string, string][] {
  const found: [string, string][] = [];
  for (const [index, {id, orderingKey}] of sent.entries()) {
    const before = sent[index - 1];
    if (orderingKey === undefined || !before) continue;
    const [begun = Number.POSITIVE_INFINITY] = of(invocations, id, 'attempt.started');
    if (begun < (endsOf(invocations, before.id)[0] ?? 0)) found.push([before.id, id]);
  }
  return found;
}

/** Occurrences between the first and the last one that nobody has claimed, or whose invocation has not ended; one if none was ever claimed. */
function missed(invocations: Streams, occurrences: Streams, {name, everyMs}: Ticking, through: number): Missed[] {
  const fired = new Map<number, string>();
  for (const facts of occurrences.values()) {
    for (const {fact} of facts) {
      if (fact.type === 'schedule.fired' && fact.data.name === name) fired.set(Date.parse(fact.data.occurrence), fact.data.invocationId);
    }
  }
  const times = [...fired.keys()].filter(at => at <= through);
  if (times.length === 0) return [{name, at: through, id: undefined}];
  const found: Missed[] = [];
  for (let at = Math.min(...times); at <= Math.max(...times); at += everyMs) {
    const id = fired.get(at);
    if (id === undefined || endsOf(invocations, id).length === 0) found.push({name, at, id});
  }
  return found;
}

interface Missed {
  readonly name: string;
  readonly at: number;
  readonly id: string | undefined;
}

const streamOf = (name: string, at: number) => `schedule.${name}.${isoStamp(at).replace('.000', '')}`;

/** Facts of one stream that are there already. An end that is there twice is counted by itself. */
function repeated(facts: readonly Recorded[]): Recorded[] {
  const seen = new Set<string>();
  let begins = 0;
  return facts.filter(({fact}) => {
    if (fact.type === 'attempt.started' || fact.type === 'invocation.redriven') begins++;
    const name = nameOf(fact, begins);
    if (name === undefined) return false;
    const isAgain = seen.has(name);
    seen.add(name);
    return isAgain;
  });
}

/** What there may be once in a stream. An attempt that did not reach the function keeps its number, so its end may look the same. */
function nameOf({type, data}: Fact, begins: number): string | undefined {
  switch (type) {
    case 'invocation.settled':
      return undefined;
    case 'invocation.accepted':
    case 'schedule.fired':
      return `${type} ${data.attempt}`;
    case 'attempt.started':
      return `${type} ${data.epoch}`;
    default:
      return `${type} ${begins} ${JSON.stringify(data)}`;
  }
}

const idOf = (stream: string) => stream.slice('invocation.'.length);

const shown = (facts: readonly Recorded[] = [], name = '') =>
  `${name}: ${facts.map(({position, storedAt = 0, fact: {type, data}}) => `${position} ${isoStamp(storedAt)} ${type} ${JSON.stringify(data)}`).join('; ')}`;

const twice = (names: readonly string[]) => names.length - new Set(names).size;
