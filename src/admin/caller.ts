import {createHash, timingSafeEqual} from 'node:crypto';
import {Refusal} from '../route.ts';

/** The header fields that say who sent a request; '' for a field that is absent. */
export interface Caller {
  readonly host: string;
  readonly origin: string;
  readonly authorization: string;
}

export interface CallerRules {
  /** CORE_ADMIN_HOST. */
  readonly listenHost: string;
  readonly token: string | undefined;
}

/**
Decides whether a caller may use the guarded routes. A web page in a browser on this machine can reach the listener, too.
Therefore an Origin must be this listener's own, and without a token the Host must be ours, so that no foreign name leads here.

@returns the refusal; undefined when the caller may
*/
export function refuseCaller({host, origin, authorization}: Caller, {listenHost, token}: CallerRules): Refusal | undefined {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  if (!isLoopback(name) && name !== listenHost.toLowerCase() && token === undefined) return forbidden('this Host is not served here');
  if (origin !== '' && origin !== `http://${host}`) return forbidden('requests from other sites are not served here');
  if (token === undefined) return isLoopback(listenHost) ? undefined : forbidden('set CORE_ADMIN_TOKEN to use this from another machine');
  const [, given = ''] = /^bearer +(.*)$/i.exec(authorization) ?? [];
  return sameText(given, token) ? undefined : forbidden('the bearer token of CORE_ADMIN_TOKEN is needed');
}

const forbidden = (refused: string) => new Refusal('FORBIDDEN', refused, {details: {refused}});

export const isLoopback = (host: string) => /^(127\.\d+\.\d+\.\d+|localhost|::1|\[::1\])$/.test(host);

/** Takes the same time however much of the texts is equal, so that the time does not help to guess a token. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
