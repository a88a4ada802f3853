import {callerDeadlines} from '../../bench/torture/phases/caller-deadlines.ts';
import {crashingInput} from '../../bench/torture/phases/crashing-input.ts';
import {descriptorsExhausted} from '../../bench/torture/phases/descriptors-exhausted.ts';
import {siblingStopped} from '../../bench/torture/phases/sibling-stopped.ts';
import {holdsUnder} from '../helpers/torture.ts';

// A short form of bench/torture.ts: processes that end, hang, are taken for stuck, or cannot be started.

for (const phase of [crashingInput, callerDeadlines, siblingStopped, descriptorsExhausted]) holdsUnder(phase, 12);
