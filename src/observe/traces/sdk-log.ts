import {formatWithOptions} from 'node:util';
import {type DiagLogFunction, DiagLogLevel, diag} from '@opentelemetry/api';
import type {Log} from '../../log.ts';

const levels: Readonly<Record<string, DiagLogLevel>> = {
  none: DiagLogLevel.NONE,
  error: DiagLogLevel.ERROR,
  warn: DiagLogLevel.WARN,
  info: DiagLogLevel.INFO,
  debug: DiagLogLevel.DEBUG,
  verbose: DiagLogLevel.VERBOSE,
  all: DiagLogLevel.ALL,
};

/** Characters of a line: at `debug` the SDK says every span that it sends. */
const longestLine = 2000;

/**
Lets the SDK log to ours, from the level that `OTEL_LOG_LEVEL` names on; unset, it logs nothing. The SDK itself would
write text to the console.
*/
export function logSdk(level: string | undefined, log: Log): void {
  const named = level?.trim().toLowerCase();
  if (!named) return;
  const write =
    (as: keyof Log): DiagLogFunction =>
    (...said) =>
      log[as]({}, lineOf(said));
  const logger = {error: write('error'), warn: write('warn'), info: write('info'), debug: write('debug'), verbose: write('debug')};
  diag.setLogger(logger, {logLevel: levels[named] ?? DiagLogLevel.INFO});
}

/** What it says may hold an address with a password. */
const lineOf = (said: readonly unknown[]) =>
  formatWithOptions({depth: 1, maxArrayLength: 3, maxStringLength: 500, breakLength: Number.POSITIVE_INFINITY}, ...said)
    .slice(0, longestLine)
    .replaceAll(/\/\/[^\s/@]*@/g, '//');
