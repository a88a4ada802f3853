import {format} from 'node:util';
import type {Log} from '../log.ts';

/** What of the console writes to stdout. */
const methods = ['log', 'info', 'debug'] as const;
const mostCharacters = 2 ** 16;

/**
Stdout is for records, one a line. What a library or the package of a trigger writes there with the console becomes a record,
too; before there is a log it goes to stderr.
*/
export function recordConsole(log: () => Log | undefined): void {
  for (const method of methods) {
    console[method] = (...given: unknown[]) => {
      const text = format(...given).slice(0, mostCharacters);
      const to = log();
      if (to) to.info({source: 'console'}, text);
      else console.error(text);
    };
  }
}
