import type {Recorded} from '../../../journal.ts';
import type {Commits} from '../commit.ts';
import {readFacts} from '../message.ts';
import type {Kept} from '../reading.ts';
import type {Streams} from '../streams.ts';
import type {Subjects} from '../subjects.ts';
import {isOver} from './over.ts';
import type {StreamAdmin} from './stream-admin.ts';

/** Most messages that are looked at in one sweep. */
const most = 20_000;

export interface SweptHouse {
  readonly commits: Commits;
  readonly streams: Streams;
  readonly subjects: Subjects;
  readonly admin: StreamAdmin;
}

/**
Removes facts before a message: those that were only recorded at once, others one by one, if they are over.

@returns where the next sweep goes on
*/
export async function sweepFacts(house: SweptHouse, from: number, below: number): Promise<{next: number; isThrough: boolean}> {
  const {commits, subjects, admin} = house;
  await admin.purge(subjects.packs, below);
  const judged = new Map<string, Promise<boolean>>();
  let seen = 0;
  for await (const kept of commits.reading.walk({of: subjects.facts, from, until: {sequence: below - 1}})) {
    if (++seen > most) return {next: kept.sequence, isThrough: false};
    if (kept.subject === subjects.packs) continue;
    if (await mayGo(house, kept, below, judged)) await admin.remove(kept.sequence);
  }
  return {next: Math.max(from, below), isThrough: true};
}

async function mayGo(house: SweptHouse, kept: Kept, below: number, judged: Map<string, Promise<boolean>>): Promise<boolean> {
  const [first] = readFacts(kept);
  if (!first) return true;
  const {stream} = first;
  if (stream.startsWith('invocation.')) return once(judged, stream, () => endedFor(house, stream, below));
  if (stream.startsWith('schedule.')) return occurrenceMayGo(house, first, kept.sequence, judged);
  // How a schedule stands, paused or not, is its newest fact.
  return !stream.startsWith('pause.') || (await house.commits.reading.last(kept.subject))?.sequence !== kept.sequence;
}

/** An invocation that is over for long enough goes with what was kept beside it, unless the newest occurrence of a schedule names it. */
async function endedFor({commits: {reading}, streams, subjects, admin}: SweptHouse, stream: string, below: number): Promise<boolean> {
  if (!(await isOver({reading, streams, subjects}, stream, below))) return false;
  const [first] = await firstOf(streams.read(stream));
  if (first?.fact.type === 'invocation.accepted' && first.fact.data.source.startsWith('cron:')) {
    const schedule = first.fact.data.source.slice('cron:'.length);
    const newest = await reading.last(subjects.below(`schedule.${schedule}.`));
    const named = newest && readFacts(newest).at(-1)?.fact;
    if (named?.type === 'schedule.fired' && `invocation.${named.data.invocationId}` === stream) return false;
  }
  await admin.purge(subjects.payloads(stream));
  return true;
}

/** The newest occurrence of a schedule stays, and so does one whose invocation is not over. */
async function occurrenceMayGo(
  {commits: {reading}, streams, subjects}: SweptHouse,
  {stream, fact}: Recorded,
  sequence: number,
  judged: Map<string, Promise<boolean>>,
) {
  const schedule = stream.slice(0, stream.lastIndexOf('.') + 1);
  const newest = await reading.last(subjects.below(schedule));
  if (newest?.sequence === sequence) return false;
  if (fact.type !== 'schedule.fired') return true;
  const of = `invocation.${fact.data.invocationId}`;
  return once(judged, `over ${of}`, async () => {
    const last = await streams.last(of, false);
    return last === undefined || (await isOver({reading, streams, subjects}, of));
  });
}

function once(judged: Map<string, Promise<boolean>>, name: string, judge: () => Promise<boolean>): Promise<boolean> {
  const known = judged.get(name) ?? judge();
  judged.set(name, known);
  return known;
}

async function firstOf<T>(all: AsyncIterable<T>): Promise<T[]> {
  for await (const each of all) return [each];
  return [];
}
