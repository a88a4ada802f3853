/** Log lines, for people and for programs. The fields come first, as with pino; secrets never stand in them. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

export type LogFields = Readonly<Record<string, unknown>>;

/** One line that the function wrote, or a part of one longer than 64 KiB; or an error that its bridge caught. */
export interface FunctionLine {
  readonly stream: 'stdout' | 'stderr';
  /** Of an error its message. */
  readonly line: string;
  /** Set for an error that was thrown. */
  readonly level?: 'error';
  /** Where the error was thrown, in the language's own words. */
  readonly stack?: string;
  readonly invocationId?: string;
  readonly traceId?: string;
}
