/** What is told to people, one line each. The fields come first, as with pino; secrets never stand in them. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

export type LogFields = Readonly<Record<string, unknown>>;

/** One line that the function wrote, or a part of one longer than 64 KiB. */
export interface FunctionLine {
  readonly stream: 'stdout' | 'stderr';
  readonly line: string;
  readonly invocationId?: string;
  readonly traceId?: string;
}
