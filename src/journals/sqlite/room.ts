/** How much room a journal takes on a disk, in bytes. */
export interface Room {
  /** Most bytes of the database. */
  readonly most: number;
  /** Most bytes of payloads in one commit. */
  readonly payloads: number;
  /** Size of the write-ahead log past which it is written into the database. */
  readonly log: number;
  /** Most bytes of the log while a reader keeps it from being emptied. */
  readonly heldLog: number;
  /** Size of the file that is given up when the disk is full, so that the log can be written into the database. */
  readonly reserve: number;
}

const mebi = 2 ** 20;

/** Past this size payloads and a held log grow no further: SQLite takes no value beyond 10⁹ bytes, and a longer log takes minutes to empty. */
const mostCounted = 2 ** 30;

/**
Divides the given size. A full database, a log that a reader holds and one more commit together always stay below 1.25 times
the given size and 16 MiB.
*/
export function roomOf(maxBytes: number, diskBytes: number): Room {
  const log = Math.max(2 ** 16, Math.min(4 * mebi, Math.floor(maxBytes / 16), Math.floor(diskBytes / 32)));
  const eighth = Math.min(maxBytes, mostCounted) / 8;
  // Even an empty database takes some room.
  return {most: Math.max(maxBytes, mebi), payloads: eighth + mebi, log, heldLog: eighth + 8 * mebi, reserve: 2 * log};
}
