import {createReadStream} from 'node:fs';
import {readBounded} from '../bounded-file.ts';
import {CommandFailed} from '../command/failure.ts';
import {exit} from '../exit.ts';
import {longestWritten} from '../limits/written.ts';
import {readEvent} from './event.ts';
import type {EventParts} from './input.ts';

/**
The body that `--data` gives: the text itself, the bytes of `@file`, or those of stdin for `@-`. Of more than `maxBytes` only
so much is read that the length is past it.

@throws CommandFailed when the file cannot be read
*/
export async function readData(given: string, maxBytes: number): Promise<Buffer> {
  if (!given.startsWith('@')) return Buffer.from(given);
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of given === '@-' ? process.stdin : createReadStream(given.slice(1))) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > maxBytes) break;
    }
  } catch (error) {
    throw new CommandFailed(exit.misused, `--data ${given}: ${(error as Error).message}`, {cause: error}); // streams fail with errors
  }
  return Buffer.concat(chunks);
}

/**
Reads an event whose body has `maxBytes` at most. As JSON each byte of it may take six characters.

@throws CommandFailed that says what is wrong with the file
*/
export function readEventFile(file: string, maxBytes: number): Partial<EventParts> {
  try {
    return readEvent(readBounded(file, longestWritten(maxBytes)));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new CommandFailed(exit.misused, `--event ${file}: ${error.message}`, {cause: error});
  }
}
