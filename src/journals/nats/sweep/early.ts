import type {StreamSize} from './stream-admin.ts';

/** A stream that is fuller than this loses what is over before its time. */
const fullPart = 0.8;
/** So much of it at a time. */
const earlyPart = 0.25;

/**
Where what is over goes early, as the stream is almost full; 0 while it is not.

@param base everything before this message was looked at. What stays of that may be as old as the stream, such as the newest
occurrence of a schedule: so the oldest message does not say where the oldest quarter is
*/
export function earlyFloor({bytes, mostBytes, first, last}: StreamSize, base: number, part = fullPart): number {
  if (mostBytes === undefined || bytes <= part * mostBytes) return 0;
  const from = Math.max(first, base);
  return from + Math.ceil(Math.max(0, last - from) * earlyPart);
}
