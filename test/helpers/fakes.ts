import type {Invocation} from '../../src/invocation.ts';
import type {Log, LogFields} from '../../src/log.ts';
import type {Meter} from '../../src/meter.ts';
import type {RuntimeReply} from '../../src/runtime.ts';
import type {Delivery, InvocationResult, Principal, TriggerInput} from '../../src/trigger.ts';

/** A meter that keeps what it was told, as `name` and arguments. */
export function recordingMeter(): Meter & {readonly calls: readonly (readonly unknown[])[]} {
  const calls: unknown[][] = [];
  const keep =
    (name: string) =>
    (...given: unknown[]) =>
      void calls.push([name, ...given]);
  return {
    calls,
    requestStarted: keep('requestStarted'),
    requestEnded: keep('requestEnded'),
    invocationEnded: keep('invocationEnded'),
    faulted: keep('faulted'),
    accepted: keep('accepted'),
    settled: keep('settled'),
    inFlight: keep('inFlight'),
    coldStarted: keep('coldStarted'),
    queued: keep('queued'),
    dequeued: keep('dequeued'),
    runtimeReady: keep('runtimeReady'),
    runtimeExited: keep('runtimeExited'),
    appended: keep('appended'),
    shed: keep('shed'),
    linesDropped: keep('linesDropped'),
  };
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: LogFields;
  readonly message: string;
}

/** A log that keeps its lines. */
export function recordingLog(): Log & {readonly lines: readonly LogLine[]} {
  const lines: LogLine[] = [];
  const keep = (level: LogLine['level']) => (fields: LogFields, message: string) => void lines.push({level, fields, message});
  return {lines, debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error')};
}

export interface FakeDeliveryOptions {
  readonly input?: Partial<TriggerInput>;
  readonly principal?: Principal;
  readonly anonymousReply?: InvocationResult;
  readonly writeAhead?: boolean;
}

/** A delivery that is no HTTP request; keeps its replies. */
export class FakeDelivery implements Delivery {
  readonly source = 'test';
  readonly writeAhead: boolean;
  readonly signal = new AbortController().signal;
  readonly principal?: Principal;
  readonly anonymousReply?: InvocationResult;
  readonly replies: InvocationResult[] = [];
  taken = 0;
  readonly #input: TriggerInput;

  constructor({input, principal, anonymousReply, writeAhead = false}: FakeDeliveryOptions = {}) {
    this.#input = triggerInput(input);
    this.writeAhead = writeAhead;
    if (principal) this.principal = principal;
    if (anonymousReply) this.anonymousReply = anonymousReply;
  }

  subject() {
    return {trigger: 'other', name: 'test'} as const;
  }

  async input(): Promise<TriggerInput> {
    this.taken++;
    return this.#input;
  }

  reply(result: InvocationResult): void {
    this.replies.push(result);
  }
}

export function triggerInput(some: Partial<TriggerInput> = {}): TriggerInput {
  return {eventType: 'http', method: 'POST', path: '/', query: '', headers: [], body: Buffer.alloc(0), sourceIp: '127.0.0.1', ...some};
}

/** What a stage gets: fields by lower-case name, and the state of a new invocation. */
export function stageContext(delivery: Delivery, fields: Readonly<Record<string, string>> = {}, state: Partial<Invocation> = {}) {
  const invocation: Invocation = {id: 'id-1', delivery, arrived: 0, ...state};
  return {
    get: (field: string) => (Object.hasOwn(fields, field.toLowerCase()) ? (fields[field.toLowerCase()] ?? '') : ''),
    state: invocation,
  };
}

/** A reply of our own bridges unless told otherwise: framed JSON with status 200. */
export function runtimeReply(body: string | Buffer, some: Partial<Omit<RuntimeReply, 'body'>> = {}): RuntimeReply {
  return {status: 200, contentType: 'application/json', framed: true, body: Buffer.from(body), ...some};
}

/** Name, value, name, value … as lower-case name → values. */
export function fieldMap(fields: readonly string[]): Record<string, string[]> {
  const map: Record<string, string[]> = {};
  for (let index = 0; index < fields.length; index += 2) {
    const name = (fields[index] as string).toLowerCase(); // pairs
    map[name] ??= [];
    map[name].push(fields[index + 1] as string);
  }
  return map;
}
