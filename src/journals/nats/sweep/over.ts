import {isLast} from '../../../facts.ts';
import {messageOf} from '../message.ts';
import type {Reading} from '../reading.ts';
import type {Streams} from '../streams.ts';
import type {Subjects} from '../subjects.ts';

/**
Whether nothing more comes of an invocation: its newest fact is its end, and no item of work is left of it, as is of a dead
letter or while its reply is to be posted.

@param below and whether its end is older than this message: what was accepted long ago may have ended just now
*/
export async function isOver(
  {streams, reading, subjects}: {streams: Streams; reading: Reading; subjects: Subjects},
  stream: string,
  below = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  const newest = await streams.last(stream, false);
  if (!newest || !isLast(newest.fact.type) || messageOf(newest.position) >= below) return false;
  const item = await reading.last(subjects.item(stream.slice('invocation.'.length)));
  return item === undefined || item.body.length === 0;
}
