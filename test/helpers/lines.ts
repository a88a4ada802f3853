import {readFileSync} from 'node:fs';

/** The lines of a file that another process writes. What stands behind the last newline is still being written. */
export const writtenLines = (file: string): string[] => readFileSync(file, 'utf8').split('\n').slice(0, -1);
