import {declaredBodies} from '../../bench/torture/phases/declared-bodies.ts';
import {pipelinedFlood} from '../../bench/torture/phases/pipelined-flood.ts';
import {pipelinedUnread} from '../../bench/torture/phases/pipelined-unread.ts';
import {queryBomb} from '../../bench/torture/phases/query-bomb.ts';
import {slowReaders} from '../../bench/torture/phases/slow-readers.ts';
import {holdsUnder} from '../helpers/torture.ts';

// A short form of bench/torture.ts: strangers who make the core hold what they ask for, declare or do not read.

for (const phase of [pipelinedUnread, pipelinedFlood, slowReaders, declaredBodies, queryBomb]) holdsUnder(phase, 12);
