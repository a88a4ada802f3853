import {dateOf} from '../../src/clock.ts';

/** An occurrence as it stands in events, facts and streams: ISO 8601 in UTC, milliseconds only where there are some. */
export const isoOccurrence = (at: number): string => dateOf(at).toISOString().replace('.000Z', 'Z');
