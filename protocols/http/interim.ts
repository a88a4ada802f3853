import {tooManyInterim} from '../../src/hop/fault.ts';
import type {OpenRequest} from '../../src/passing.ts';
import type {AnswerHead} from './answer-head.ts';
import {passFields} from './fields.ts';

/** Most interim answers (1xx): more are an attack or a mistake. */
const most = 1000;
/** What they may have in all: a caller that does not read makes us hold it. */
const mostBytes = 256 * 2 ** 10;

/** Passes on what the server says before its answer. */
export class Interim {
  #count = 0;
  #bytes = 0;

  /** @throws Fault UPSTREAM_PROTOCOL when it says too much */
  pass({status, fields}: AnswerHead, open: OpenRequest | undefined): void {
    for (const text of fields) this.#bytes += text.length;
    if (++this.#count > most || this.#bytes > mostBytes) throw tooManyInterim();
    const headers: string[] = [];
    passFields(fields, (name, value, lower) => {
      if (lower !== 'content-length') headers.push(name, value); // RFC 9110 §8.6
    });
    open?.interim(status, headers);
  }
}
