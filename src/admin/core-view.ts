import {isoStamp} from '../clock.ts';
import type {EndView, PlaceView} from '../workers/process/view.ts';

/** Ends that are shown of a core process. */
const mostEnds = 20;

/** A core process and its sub-runtimes, as plain JSON. */
export interface CoreView {
  readonly pid: number;
  /** It owns the journal, the private listener and the schedules. */
  readonly leader: boolean;
  readonly residentBytes: number;
  readonly places: readonly object[];
  /** Sub-runtimes that ended, the newest first. */
  readonly ends: readonly object[];
}

/** This core process, with its places of the pool. */
export function viewCore(places: readonly PlaceView[], leader: boolean): CoreView {
  const ends = places.flatMap(place => place.ends).sort((one, other) => other.at - one.at);
  return {
    pid: process.pid,
    leader,
    residentBytes: process.memoryUsage.rss(),
    places: places.map(({phase, error, processes}) => ({
      phase,
      ...(error !== undefined && {error}),
      processes: processes.map(({spawnedAt, readyAt, ...rest}) => ({
        ...rest,
        spawnedAt: isoStamp(spawnedAt),
        ...(readyAt !== undefined && {readyAt: isoStamp(readyAt)}),
      })),
    })),
    ends: ends.slice(0, mostEnds).map(plainEnd),
  };
}

const plainEnd = ({at, upMs, ...rest}: EndView) => ({at: isoStamp(at), upMs: Math.round(upMs), ...rest});
