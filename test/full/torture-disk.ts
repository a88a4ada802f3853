import {fullDisk} from '../../bench/torture/phases/full-disk.ts';
import {holdsUnder} from '../helpers/torture.ts';

// A short form of bench/torture.ts: a disk that is too small, and that something else fills.

holdsUnder(fullDisk, 14);
