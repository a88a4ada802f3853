import type {Phase} from '../phase.ts';
import {callerDeadlines} from './caller-deadlines.ts';
import {crashingInput} from './crashing-input.ts';
import {declaredBodies} from './declared-bodies.ts';
import {descriptorsExhausted} from './descriptors-exhausted.ts';
import {fullDisk} from './full-disk.ts';
import {functionKilled} from './function-killed.ts';
import {logFlood} from './log-flood.ts';
import {overload} from './overload.ts';
import {pipelinedFlood} from './pipelined-flood.ts';
import {pipelinedUnread} from './pipelined-unread.ts';
import {queryBomb} from './query-bomb.ts';
import {reloads} from './reloads.ts';
import {restarts} from './restarts.ts';
import {siblingStopped} from './sibling-stopped.ts';
import {slowReaders} from './slow-readers.ts';

/** In the order in which they are run. */
export const phases: readonly Phase[] = [
  functionKilled,
  overload,
  reloads,
  restarts,
  logFlood,
  pipelinedUnread,
  pipelinedFlood,
  slowReaders,
  declaredBodies,
  queryBomb,
  crashingInput,
  callerDeadlines,
  siblingStopped,
  descriptorsExhausted,
  fullDisk,
];
