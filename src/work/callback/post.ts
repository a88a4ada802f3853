import {once} from 'node:events';
import type {Agent, IncomingMessage} from 'node:http';
import https from 'node:https';
import type {Clock} from '../../clock.ts';
import {nodeHttp} from '../../http/node-http.ts';
import {outboundHttp} from '../../http/outbound.ts';
import {checkedLookup, type IsAllowed, type Resolve, refuseAddress} from './addresses.ts';

/** Longest time of a try: the look-up of the name, the connection, the body out, and the head of the answer back. */
const longestTryMs = 10_000;

/** The receiver took too long. */
export class NoAnswer extends Error {
  static {
    NoAnswer.prototype.name = 'NoAnswer';
  }

  constructor() {
    super(`there was no answer within ${longestTryMs / 1000} s`);
  }
}

export interface Posted {
  readonly status: number;
  /** Name, value, name, value … */
  readonly headers: readonly string[];
}

export interface PosterOptions {
  readonly clock: Clock;
  readonly isAllowed: IsAllowed;
  readonly resolve?: Resolve | undefined;
}

/** Sends a body and gives the head of the answer. Rejects with an Error that says why there is none, within 10 s. */
export type Post = (url: string, headers: Record<string, string>, body: Buffer, signal: AbortSignal) => Promise<Posted>;

/** Connections go to checked addresses directly, never through a proxy, which would look names up by itself. */
export function poster({clock, isAllowed, resolve}: PosterOptions): Post {
  const lookup = checkedLookup(isAllowed, resolve);
  const agent: {http: Agent; https: https.Agent} = {http: new nodeHttp.Agent({lookup}), https: new https.Agent({lookup})};
  return async function post(url, headers, body, signal) {
    refuseAddress(new URL(url).hostname, isAllowed);
    const got = await outboundHttp();
    const given = new AbortController();
    const end = () => given.abort(signal.reason);
    const stop = clock.after(longestTryMs, () => given.abort(new NoAnswer()));
    signal.addEventListener('abort', end, {once: true});
    if (signal.aborted) end();
    try {
      const request = got.stream.post(url, {agent, headers, body, throwHttpErrors: false, signal: given.signal});
      request.on('error', () => {}); // also after the head was read
      const [{statusCode = 0, rawHeaders}] = (await once(request, 'response')) as [IncomingMessage];
      request.destroy(); // nobody reads the body
      return {status: statusCode, headers: rawHeaders};
    } catch (error) {
      throw given.signal.aborted ? given.signal.reason : error;
    } finally {
      signal.removeEventListener('abort', end);
      stop();
    }
  };
}
