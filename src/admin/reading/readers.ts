import type {ServerResponse} from 'node:http';
import type {Budget} from '../../limits/budget.ts';
import type {Meter} from '../../meter.ts';
import {Refusal} from '../../route.ts';

/** How many callers may read the journal at a time. Each costs memory, and time of the thread that also writes it. */
export const mostReaders = 16;
const retryAfterS = 5;

/** Counts the callers that read the journal through the private listener, and refuses those past `mostReaders`. */
export class Readers {
  readonly #meter: Pick<Meter, 'readers' | 'readerRefused'>;
  #count = 0;

  constructor(meter: Pick<Meter, 'readers' | 'readerRefused'>) {
    this.#meter = meter;
  }

  /**
  Takes a place until the answer has left or its caller is gone.

  @returns aborted then
  @throws Refusal TOO_MANY_READERS
  */
  enter(response: ServerResponse): AbortSignal {
    if (this.#count >= mostReaders) {
      this.#meter.readerRefused('full');
      const headers = {'Retry-After': String(retryAfterS), Connection: 'close'};
      throw new Refusal('TOO_MANY_READERS', `the journal has ${mostReaders} readers, and takes no more at a time`, {headers});
    }
    this.#meter.readers(++this.#count);
    const left = new AbortController();
    response.once('close', () => {
      this.#meter.readers(--this.#count);
      left.abort(Object.assign(new Error('the caller is gone'), {code: 'ECONNRESET'}));
    });
    return left.signal;
  }
}

/**
Charges an answer to the budget until it has left or its caller is gone.

@param left aborted when the caller is gone; if it is gone already, nothing is charged, as nothing would release the charge
@throws Fault INFLIGHT_FULL, or that the caller is gone
*/
export function charge(text: string | Buffer, budget: Budget, left: AbortSignal): void {
  left.throwIfAborted();
  const hold = budget.open('reply');
  const fault = hold.grow(Buffer.byteLength(text));
  if (fault) throw fault;
  left.addEventListener('abort', () => hold.release(), {once: true});
}
