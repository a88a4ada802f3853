import {isLast} from '../../../facts.ts';
import type {Commits} from '../commit.ts';
import {readFacts} from '../message.ts';
import type {Streams} from '../streams.ts';
import type {Subjects} from '../subjects.ts';
import {isOver} from './over.ts';
import type {StreamAdmin} from './stream-admin.ts';

/** Most messages that are looked at in one sweep. */
const most = 20_000;
/** Most invocations that were only recorded whose requests and replies one sweep removes before their time. */
const mostEarly = 5000;

/**
Removes the requests and replies of invocations that had ended before a message. Those of a dead letter stay until it is dropped,
and then go with its facts. What was only recorded is removed by the servers when its time is over, or by `shedPayloads`.

@returns how many pieces were removed, and where the next sweep goes on
*/
export async function sweepPayloads(
  {commits: {reading}, streams, subjects, admin}: {commits: Commits; streams: Streams; subjects: Subjects; admin: StreamAdmin},
  from: number,
  below: number,
): Promise<{removed: number; next: number; isThrough: boolean}> {
  let [removed, seen] = [0, 0];
  for await (const kept of reading.walk({of: subjects.facts, from, until: {sequence: below - 1}})) {
    if (++seen > most) return {removed, next: kept.sequence, isThrough: false};
    if (kept.subject === subjects.packs) continue;
    const ended = readFacts(kept).filter(({fact, stream}) => isLast(fact.type) && stream.startsWith('invocation.'));
    for (const {stream} of ended) {
      if (await isOver({streams, reading, subjects}, stream, below)) removed += await admin.purge(subjects.payloads(stream));
    }
  }
  return {removed, next: Math.max(from, below), isThrough: true};
}

/**
Removes the requests and replies of what was only recorded before a message: they are most of what callers make a stream keep,
and would stay until their time is over.

@returns how many pieces were removed, and up to which message; facts from there on still name some
*/
export async function shedPayloads(
  {commits: {reading}, subjects, admin}: {commits: Commits; subjects: Subjects; admin: StreamAdmin},
  below: number,
): Promise<{removed: number; next: number}> {
  let [removed, seen] = [0, 0];
  for await (const kept of reading.walk({of: subjects.packs, from: 1, until: {sequence: below - 1}})) {
    if (seen > mostEarly) return {removed, next: kept.sequence};
    const owners = readFacts(kept).flatMap(({stream, fact: {data}}) => ('dataref' in data ? [stream] : []));
    for (const owner of new Set(owners)) {
      removed += await admin.purge(subjects.payloads(owner));
      seen++;
    }
  }
  return {removed, next: below};
}
