import type {ServerResponse} from 'node:http';
import type {Meter} from '../meter.ts';
import {Refusal} from './refusal.ts';

/** Answers and streams made from the journal at a time. Each costs memory, and time of the thread that writes it. */
export const mostReaders = 16;
const retryAfterS = 5;

/** The callers that read the journal through the private listener: so many at a time, others are refused at once. */
export class Readers {
  readonly #meter: Pick<Meter, 'readers' | 'readerRefused'>;
  #count = 0;

  constructor(meter: Pick<Meter, 'readers' | 'readerRefused'>) {
    this.#meter = meter;
  }

  /** Takes a place until the answer has left or its caller is gone. @throws Refusal TOO_MANY_READERS */
  enter(response: ServerResponse): void {
    if (this.#count >= mostReaders) {
      this.#meter.readerRefused('full');
      const headers = {'Retry-After': String(retryAfterS), Connection: 'close'};
      throw new Refusal('TOO_MANY_READERS', `the journal has ${mostReaders} readers, and takes no more at a time`, {headers});
    }
    this.#meter.readers(++this.#count);
    response.once('close', () => this.#meter.readers(--this.#count));
  }
}
