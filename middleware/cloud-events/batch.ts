import type {Carrier, Delivery, Fields, InvocationResult, Principal, RequestInput, SpanSubject} from '../../src/delivery.ts';
import {Fault} from '../../src/errors.ts';
import type {Invocation} from '../../src/invocation.ts';
import type {Budget} from '../../src/limits/budget.ts';
import {DefaultHolder} from '../../src/limits/holder.ts';
import {readAsyncPreference} from '../../src/work/prefer.ts';
import type {Unpacked} from './structured.ts';
import {type Delivered, keyOfEvent, type Succeeded} from './succeeded.ts';

/** Events of a batch that are delivered at a time. */
const mostAtOnce = 10;

export type Deliver = (delivery: Delivery, carrier: Carrier) => Promise<void>;

/**
Delivers each event of a batch as an invocation of its own. After the first that fails no further one begins. One that has
succeeded in a batch that failed is not delivered again with the next one.

@param fields those of the request
@throws Fault that says which event failed: then the sender is to send the batch again
*/
export async function deliverBatch(
  {delivery, principal}: Invocation,
  fields: Fields,
  events: readonly Unpacked[],
  {deliver, budget, succeeded}: {readonly deliver: Deliver; readonly budget: Budget; readonly succeeded: Succeeded},
): Promise<{readonly delivered: readonly Delivered[]; readonly isWork: boolean}> {
  const delivered: Delivered[] = [];
  /** Which of them work has taken, and so knows: a function may answer 202, too. */
  const taken = new Set<number>();
  const keys = events.map(event => keyOfEvent(principal?.subject ?? '', event));
  let failure: Fault | undefined;
  let next = 0;
  await Promise.all(Array.from({length: Math.min(mostAtOnce, events.length)}, run));
  for (const [at, each] of delivered.entries()) {
    const key = keys[at] as string; // there is one for each event
    if (!failure)
      succeeded.forget(key); // nobody sends the batch again
    else if (each && each.status < 300 && !taken.has(at)) succeeded.add(key, each);
  }
  if (failure) throw failure;
  return {delivered, isWork: taken.size > 0};

  async function run(): Promise<void> {
    while (next < events.length && !failure && !delivery.signal.aborted) {
      const at = next++;
      const event = events[at] as Unpacked; // the line above stays within the list
      const known = succeeded.find(keys[at] as string);
      if (known) {
        delivered[at] = known;
        continue;
      }
      const own = new EventDelivery(event.request, delivery, principal, budget);
      const carrier = new EventCarrier(event.request.headers, fields);
      await deliver(own, carrier);
      const {id, source} = event;
      if (own.result) delivered[at] = {id, source, invocationId: idOf(own.result), status: own.result.status};
      if (own.result?.status === 202 && !own.isCalled) taken.add(at);
      failure ??= failureOf(own.result, `event ${at + 1} of ${events.length}, \`${id.slice(0, 100)}\``);
    }
    if (delivery.signal.aborted) failure ??= new Fault('CALLER_LEFT');
  }
}

/** Of what was sent as work before, the id that it got then. */
function idOf({headers}: InvocationResult): string {
  return headers[headers.indexOf('Core-Invocation-Id') + 1] ?? '';
}

/** A status of 500 and more, whatever the function said: any other would make senders drop the batch. */
function failureOf(result: InvocationResult | undefined, which: string): Fault | undefined {
  const {fault, status = 500} = result ?? {};
  if (!fault && status < 300) return undefined;
  const message = `Not every event of the batch succeeded: ${which} ended with ${fault?.code ?? 'status'} ${status}`;
  if (fault?.status === 503) return new Fault(fault.code, {cause: fault, message, retryAfterS: fault.retryAfterS ?? 1});
  return new Fault('BATCH_FAILED', {cause: fault, message});
}

/** One event of a batch, let in with its request. */
export class EventDelivery implements Delivery {
  readonly source = 'http';
  readonly writeAhead = false;
  readonly principal?: Principal;
  readonly traceCarrier?: Fields;
  exemplar: string | undefined;
  result: InvocationResult | undefined;
  /** The function has been called with it. */
  isCalled = false;
  readonly #request: RequestInput;
  readonly #around: Delivery;
  readonly #budget: Budget;
  #holder: DefaultHolder | undefined;

  constructor(request: RequestInput, around: Delivery, principal: Principal | undefined, budget: Budget) {
    if (principal) this.principal = principal;
    if (around.traceCarrier) this.traceCarrier = around.traceCarrier;
    this.#request = request;
    this.#around = around;
    this.#budget = budget;
  }

  get signal(): AbortSignal {
    return this.#around.signal;
  }

  subject(): SpanSubject {
    return this.#around.subject();
  }

  async input(): Promise<RequestInput> {
    this.#holder ??= new DefaultHolder(this.#budget);
    return {...this.#request, holder: this.#holder};
  }

  called(): void {
    this.isCalled = true;
    this.#around.called?.();
  }

  reply(result: InvocationResult): void {
    this.#holder?.release();
    this.result = result;
  }
}

/** The fields of an event, and besides them those of its request. */
class EventCarrier implements Carrier {
  state: unknown;
  readonly #headers: readonly string[];
  readonly #around: Fields;

  constructor(headers: readonly string[], around: Fields) {
    this.#headers = headers;
    this.#around = around;
  }

  get(field: string): string {
    const wanted = field.toLowerCase();
    if (wanted === 'prefer') return readAsyncPreference(this.#around.get(field)) ? 'respond-async' : ''; // a batch waits for no reply
    if (!wanted.startsWith('ce-')) return wanted === 'content-type' ? '' : this.#around.get(field);
    const at = this.#headers.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === wanted);
    return at < 0 ? '' : (this.#headers[at + 1] ?? '');
  }
}
