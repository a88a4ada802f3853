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

/** Most characters of a line, as at `debug` the SDK logs every span that it sends. */
const longestLine = 2000;

/**
Lets the SDK write to the core's log, from the level in `OTEL_LOG_LEVEL` on. Without the variable it logs nothing. By itself
the SDK would write text to the console.
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

/** Makes one line, without the passwords that addresses may have. */
const lineOf = (said: readonly unknown[]) =>
  formatWithOptions({depth: 1, maxArrayLength: 3, maxStringLength: 500, breakLength: Number.POSITIVE_INFINITY}, ...said)
    .slice(0, longestLine)
    .replaceAll(/\/\/[^\s/@]*@/g, '//');
