import type {
  AttemptEnd,
  AttemptKeeper,
  Carrier,
  Delivery,
  Fields,
  InvocationResult,
  Principal,
  RequestInput,
  SpanSubject,
} from '../delivery.ts';
import {fieldOf} from '../http/field.ts';
import type {Budget} from '../limits/budget.ts';
import {DefaultHolder} from '../limits/holder.ts';
import type {Message} from './message.ts';

/** What stands around the attempts of a message. */
export interface Sender {
  /** Name of the trigger. */
  readonly name: string;
  /** The system, as `requestContext.eventType` and spans have it. */
  readonly type: string;
  readonly id: string;
}

/** The event of a message: what arrived, as a POST to `/`. */
export function requestOf({type, id}: Sender, {body, contentType, attributes, facts, key}: Message, attempt: number): RequestInput {
  const named = attributes.map((text, at) => (at % 2 === 0 ? fieldName(text) : text));
  const fields = [...(contentType === '' ? [] : ['Content-Type', contentType]), ...named];
  return {
    shape: 'request',
    eventType: type,
    reply: 'http',
    method: 'POST',
    path: '/',
    query: '',
    headers: fields.map(asBytes),
    sourceIp: '',
    body,
    context: {message: {id: key ?? id, attempt, ...facts}},
  };
}

/** Headers are latin1 text of their bytes. */
const asBytes = (text: string) => (beyondAscii.test(text) ? Buffer.from(text).toString('latin1') : text);

const beyondAscii = /[^\0-\x7f]/;

/** An attribute may have any name, a header only some characters: the others are written as in a URL. */
function fieldName(name: string): string {
  if (!noToken.test(name)) return name;
  return Array.from(Buffer.from(name), byte => {
    const character = String.fromCharCode(byte);
    return noToken.test(character) ? `%${byte.toString(16).padStart(2, '0')}` : character;
  }).join('');
}

const noToken = /[^!#$%&'*+\-.^_`|~0-9A-Za-z]/;

const traceFields = new Set(['traceparent', 'tracestate', 'baggage']);

/** The trace that a message says it is of. Whoever uses it reads it more strictly. */
export function traceparentOf({attributes}: Pick<Message, 'attributes'>): string | undefined {
  const given = fieldOf(attributes, 'traceparent');
  return /^[!-~]{1,100}$/.test(given) ? given : undefined;
}

interface Attempt {
  readonly request: RequestInput;
  readonly attempt: number;
  /** Aborts when nobody waits for the messages of the trigger any more. */
  readonly signal: AbortSignal;
  readonly budget: Budget;
}

/** One attempt to call the function with a message. Whoever makes it keeps its facts. */
export class MessageDelivery implements Delivery, Fields, Carrier, AttemptKeeper {
  readonly id: string;
  readonly attempt: number;
  readonly source: string;
  readonly principal: Principal;
  readonly writeAhead = true;
  readonly breaksOff = true;
  readonly signal: AbortSignal;
  state: unknown;
  result: InvocationResult | undefined;
  /** Undefined when the stages did not come as far as the event. */
  end: AttemptEnd | undefined;
  readonly #sender: Sender;
  readonly #message: Message;
  readonly sharesSignal = true;
  readonly #request: RequestInput;
  readonly #holder: DefaultHolder;

  constructor(sender: Sender, message: Message, {request, attempt, signal, budget}: Attempt) {
    this.id = sender.id;
    this.attempt = attempt;
    this.source = sender.name;
    this.principal = {subject: sender.name};
    this.signal = signal;
    this.#sender = sender;
    this.#message = message;
    this.#holder = new DefaultHolder(budget);
    this.#request = {...request, holder: this.#holder};
  }

  get keeper(): AttemptKeeper {
    return this;
  }

  get traceCarrier(): Fields {
    return this;
  }

  /** What a message says to the core is its trace; everything else is for the function, also a time limit. */
  get(field: string): string {
    return traceFields.has(field.toLowerCase()) ? fieldOf(this.#message.attributes, field) : '';
  }

  /** The broker delivers it again. */
  goesOn(): boolean {
    return this.signal.aborted;
  }

  subject(): SpanSubject {
    const {destination, key} = this.#message;
    return {trigger: 'pubsub', system: this.#sender.type, destination, id: key ?? this.id, attempt: this.attempt};
  }

  input(): RequestInput {
    return this.#request;
  }

  /** What did not reach the function is tried again. */
  defers(): boolean {
    return true;
  }

  reply(result: InvocationResult): void {
    this.#holder.release();
    this.result = result;
  }

  ended(end: AttemptEnd): void {
    this.end = end;
  }
}
