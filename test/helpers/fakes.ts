import {systemClock} from '../../src/clock.ts';
import type {Delivery, Fields, Input, InvocationResult, MessageInput, Principal, RequestInput} from '../../src/delivery.ts';
import type {Invocation} from '../../src/invocation.ts';
import {soleCore} from '../../src/journal.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {Budget} from '../../src/limits/budget.ts';
import type {Log, LogFields} from '../../src/log.ts';
import type {Meter} from '../../src/meter.ts';
import type {HttpReply} from '../../src/runtime.ts';
import type {ClaimingHouse} from '../../src/trigger.ts';

/** Limits of streams for the stages, as they are by default. */
export const streamParts = {timeoutMs: 300_000, streamIdleMs: 60_000, streamTimeoutMs: undefined, journalHttp: 'facts'} as const;

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
    connectionRefused: keep('connectionRefused'),
    requestEnded: keep('requestEnded'),
    invocationEnded: keep('invocationEnded'),
    faulted: keep('faulted'),
    accepted: keep('accepted'),
    settled: keep('settled'),
    replyCut: keep('replyCut'),
    batchesWatched: keep('batchesWatched'),
    pipelined: keep('pipelined'),
    connectionCut: keep('connectionCut'),
    inFlight: keep('inFlight'),
    streamBegan: keep('streamBegan'),
    streamEnded: keep('streamEnded'),
    coldStarted: keep('coldStarted'),
    queued: keep('queued'),
    dequeued: keep('dequeued'),
    runtimeReady: keep('runtimeReady'),
    runtimeExited: keep('runtimeExited'),
    processRestarted: keep('processRestarted'),
    runtimeTried: keep('runtimeTried'),
    spared: keep('spared'),
    appended: keep('appended'),
    scheduleFired: keep('scheduleFired'),
    scheduleWaits: keep('scheduleWaits'),
    scheduleNext: keep('scheduleNext'),
    scheduleHeld: keep('scheduleHeld'),
    scheduleMissed: keep('scheduleMissed'),
    workAttempted: keep('workAttempted'),
    callbackTried: keep('callbackTried'),
    messageEnded: keep('messageEnded'),
    messagesWatched: keep('messagesWatched'),
    shed: keep('shed'),
    payloadsShed: keep('payloadsShed'),
    keySetFailed: keep('keySetFailed'),
    keySetAge: keep('keySetAge'),
    linesDropped: keep('linesDropped'),
    readers: keep('readers'),
    readerRefused: keep('readerRefused'),
    spansDropped: keep('spansDropped'),
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

/** What the composition root lends to a trigger; by default nothing is served. */
export function fakeHouse(some: Partial<ClaimingHouse> = {}): ClaimingHouse {
  const clock = some.clock ?? systemClock;
  return {
    deliver: async () => {},
    scrape: async () => {},
    hurry: new AbortController().signal,
    journal: new MemoryJournal(clock),
    core: 'core-1',
    cores: soleCore,
    env: {},
    kinds: ['http', 'cron', 'listed', 'work'],
    places: () => 1,
    passes: false,
    bodies: 'whole',
    isShared: false,
    closesLast: false,
    budget: new Budget(128 * 2 ** 20, clock),
    clock,
    log: recordingLog(),
    meter: recordingMeter(),
    ...some,
  };
}

export interface FakeDeliveryOptions {
  readonly input?: Partial<RequestInput> | MessageInput;
  readonly principal?: Principal;
  readonly anonymousReply?: InvocationResult;
  readonly writeAhead?: boolean;
  readonly id?: string;
  readonly attempt?: number;
  readonly breaksOff?: boolean;
  readonly defers?: () => boolean;
  readonly goesOn?: () => boolean;
  readonly traceCarrier?: Fields;
}

/** A delivery that is no HTTP request; keeps its replies. */
export class FakeDelivery implements Delivery {
  readonly source = 'test';
  readonly writeAhead: boolean;
  readonly signal = new AbortController().signal;
  readonly principal?: Principal;
  readonly anonymousReply?: InvocationResult;
  readonly id?: string;
  readonly attempt?: number;
  readonly breaksOff?: boolean;
  readonly defers?: () => boolean;
  readonly goesOn?: () => boolean;
  readonly traceCarrier?: Fields;
  readonly replies: InvocationResult[] = [];
  taken = 0;
  readonly #input: Input;

  constructor({input, writeAhead = false, ...given}: FakeDeliveryOptions = {}) {
    this.#input = input?.shape === 'message' ? input : requestInput(input);
    this.writeAhead = writeAhead;
    Object.assign(this, given);
  }

  subject() {
    return {trigger: 'other', name: 'test'} as const;
  }

  async input(): Promise<Input> {
    this.taken++;
    return this.#input;
  }

  reply(result: InvocationResult): void {
    this.replies.push(result);
  }
}

export function requestInput(some: Partial<RequestInput> = {}): RequestInput {
  const reply = (some.eventType ?? 'http') === 'http' ? 'http' : 'outcome';
  return {
    shape: 'request',
    reply,
    eventType: 'http',
    method: 'POST',
    path: '/',
    query: '',
    headers: [],
    body: Buffer.alloc(0),
    sourceIp: '127.0.0.1',
    ...some,
  };
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
export function runtimeReply(body: string | Buffer, some: Partial<Omit<HttpReply, 'body'>> = {}): HttpReply {
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
