/** How much of a disk a journal takes, from the size that it is given and the size of the disk. In bytes. */
export interface Room {
  /** Of the database. */
  readonly most: number;
  /** Of the payloads of one commit. */
  readonly payloads: number;
  /** Of the write-ahead log, past which it is written into the database. */
  readonly log: number;
  /** Of the log while a reader keeps it from being begun again. */
  readonly heldLog: number;
  /** Of the file that is given up when the disk is full. What is in the log has room in the database then. */
  readonly reserve: number;
}

const mebi = 2 ** 20;

/**
Database and log stay below 1.25 times the given size and 16 MiB, whatever happens: a whole database, a log that is held,
and the commit that comes on top.
*/
export function roomOf(maxBytes: number, diskBytes: number): Room {
  const log = Math.max(2 ** 16, Math.min(4 * mebi, Math.floor(maxBytes / 16), Math.floor(diskBytes / 32)));
  // An empty database takes some room, too.
  return {most: Math.max(maxBytes, mebi), payloads: maxBytes / 8 + mebi, log, heldLog: maxBytes / 8 + 8 * mebi, reserve: 2 * log};
}
