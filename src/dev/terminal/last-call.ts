import type {Ended} from '../../observation.ts';
import type {Shown} from './banner.ts';

/** A larger request or reply is not kept. */
const mostBytes = 2 ** 20;

/** The last call that has ended, so that it can be sent again. */
export class LastCall {
  #call: Ended | undefined;
  #name: string | undefined;

  keep(call: Ended, name: string | undefined): void {
    const {exchange, ...rest} = call;
    const isSmall = exchange && exchange.request.body.length <= mostBytes && exchange.reply.body.length <= mostBytes;
    this.#call = isSmall ? call : rest;
    this.#name = name;
  }

  /** The call, and the function whose it was. */
  of(functions: readonly Shown[]): {readonly call: Ended; readonly of: Shown} | undefined {
    const of = functions.find(({name}) => name === this.#name);
    return this.#call && of && {call: this.#call, of};
  }
}
