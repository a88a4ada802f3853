import type {FunctionLine} from '../log.ts';

/** What a bridge says once it listens: whether it could load the handler. */
export interface LoadReport {
  readonly loaded: boolean;
  readonly error?: string;
  /** What runs the handler: `Node.js 26.1.0`. */
  readonly runtime?: string;
}

/** Understands a line on the bridge's descriptor: the load report, or output tagged with its invocation. Skips others. */
export function hearBridge(line: string, onReport: (report: LoadReport) => void, onLine: (line: FunctionLine) => void): void {
  const {loaded, error, runtime, log} = parsed(line);
  if (typeof loaded === 'boolean') {
    const cause = !loaded && {error: typeof error === 'string' ? error : 'the bridge gave no cause'};
    onReport({loaded, ...cause, ...(typeof runtime === 'string' && {runtime})});
  } else if (isFunctionLine(log)) {
    onLine(log);
  }
}

function parsed(line: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(line));
  } catch {
    return {};
  }
}

function isFunctionLine(log: unknown): log is FunctionLine {
  const {stream, line} = Object(log);
  return (stream === 'stdout' || stream === 'stderr') && typeof line === 'string';
}
