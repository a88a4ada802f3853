import type {ClientRequest} from 'node:http';
import type {Fault} from '../../src/errors.ts';
import {inPairs} from '../../src/http/pairs.ts';
import type {BodyTaker, OpenBody} from '../../src/passing.ts';
import {passTrailers} from './fields.ts';

export const isOpen = (body: Buffer | OpenBody | undefined): body is OpenBody => body !== undefined && 'take' in body;

const shortBody = 8 * 2 ** 10;

/** As latin1 text, which keeps its bytes, a short body leaves in one write with its head. */
export function sendWhole(request: ClientRequest, body: Buffer | undefined): void {
  if (body === undefined || body.length > shortBody) request.end(body);
  else request.end(body.toString('latin1'), 'latin1');
}

/** Sends the body of a request to the server as it comes, as fast as the server takes it. */
export class Sender implements BodyTaker {
  readonly #request: ClientRequest;
  readonly #body: OpenBody;
  readonly #credential: string | undefined;
  readonly #broken: (fault: Fault) => void;

  /** @param broken called when the body broke off: the server must not take what it got for the whole */
  constructor(request: ClientRequest, body: OpenBody, credential: string | undefined, broken: (fault: Fault) => void) {
    this.#request = request;
    this.#body = body;
    this.#credential = credential;
    this.#broken = broken;
    request.on('drain', () => body.more());
  }

  piece(bytes: Buffer): boolean {
    return this.#request.write(bytes);
  }

  end(trailers: readonly string[]): void {
    const kept = passTrailers(trailers, this.#credential);
    if (kept.length > 0 && this.#body.bytes === undefined) this.#request.addTrailers(inPairs(kept));
    this.#request.end();
  }

  failed(fault: Fault): void {
    this.#broken(fault);
  }
}
