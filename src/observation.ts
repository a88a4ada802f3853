import type {InvocationResult, RequestInput} from './delivery.ts';
import type {FaultCode} from './errors.ts';
import type {Fact} from './facts.ts';
import type {FunctionLine, LogFields} from './log.ts';

/**
What happens in a core, for a person who watches it while it happens. Plain data that another process may be sent; of an
`exchange` the bodies are bytes. `at` is wall time in milliseconds since 1970.
*/
export type Observation = Began | Ended | Written | Logged | Recorded;

/** Called with what happens, in its order, while a core serves. It must return soon, and never throw. */
export type Observer = (observation: Observation) => void;

/** What a call is about: `GET /todos?page=2`, `cron nightly`. The text is as it was received: it may hold anything. */
interface Subject {
  readonly kind: string;
  readonly target: string;
  /** True of a call that is no HTTP request, such as one of a schedule. */
  readonly isOther?: true;
}

/** A delivery is on its way through the stages. Its target has no query yet. */
export interface Began extends Subject {
  readonly type: 'began';
  readonly at: number;
  readonly id: string;
}

/** It has got its reply. */
export interface Ended extends Subject {
  readonly type: 'ended';
  readonly at: number;
  readonly id: string;
  readonly status: number;
  readonly durationMs: number;
  /** Why the function did not succeed; absent when it did. */
  readonly fault?: {readonly code: FaultCode; readonly message: string; readonly cause?: string; readonly stack?: string};
  /** Of an HTTP request that was received whole: what came and what was answered, so that it can be sent again. */
  readonly exchange?: {readonly request: Sent; readonly reply: Pick<InvocationResult, 'status' | 'headers' | 'body'>};
}

export type Sent = Pick<RequestInput, 'method' | 'path' | 'query' | 'headers' | 'body'>;

/** The function wrote a line, or its bridge caught an error. */
export interface Written {
  readonly type: 'line';
  readonly at: number;
  readonly line: FunctionLine;
}

/** A record of the core's log. */
export interface Logged {
  readonly type: 'log';
  readonly at: number;
  readonly level: LogLevel;
  readonly fields: LogFields;
  readonly message: string;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** The core recorded facts about itself and its sub-runtimes. */
export interface Recorded {
  readonly type: 'facts';
  readonly at: number;
  readonly facts: readonly Fact[];
}
