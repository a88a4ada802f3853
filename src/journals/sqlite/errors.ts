/** The disk is full: SQLITE_FULL, SQLITE_IOERR, which is what a used-up quota gives, or an error of the system. */
export const isOfDisk = (error: unknown) => [13, 10].includes(codeOf(error)) || isFull(error);

/** The system had no room for a write. */
export const isFull = (error: unknown) => error instanceof Error && 'code' in error && ['ENOSPC', 'EDQUOT'].includes(String(error.code));

/** SQLITE_CORRUPT and SQLITE_NOTADB. */
export const isCorrupt = (error: unknown) => [11, 26].includes(codeOf(error));

/** SQLite's primary result code; 0 for any other error. @see https://sqlite.org/rescode.html */
function codeOf(error: unknown): number {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
}

/** The disk may have room for a write, but not for everything that the write makes SQLite do. */
export class NoRoom extends Error {
  static {
    NoRoom.prototype.name = 'NoRoom';
  }
  readonly code = 'ENOSPC';
}
