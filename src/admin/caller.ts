import {createHash, timingSafeEqual} from 'node:crypto';
import type {IncomingMessage} from 'node:http';
import {Refusal, type Route} from '../route.ts';
import type {Attempts} from './attempts.ts';
import {cookieName, cookiesOf, type Sessions} from './sessions.ts';

/** What says who sent a request: header fields, '' for one that is absent, and the address that it came from. */
export interface Caller {
  readonly method: string;
  readonly host: string;
  readonly origin: string;
  readonly authorization: string;
  readonly cookie: string;
  /** Sec-Fetch-Site and Sec-Fetch-Mode, which a browser sends and no page can forge. */
  readonly fetchSite: string;
  readonly fetchMode: string;
  readonly address: string;
}

/** @param get gives a header field */
export function callerOf({method = '', socket}: IncomingMessage, get: (field: string) => string): Caller {
  return {
    method,
    host: get('host'),
    origin: get('origin'),
    authorization: get('authorization'),
    cookie: get('cookie'),
    fetchSite: get('sec-fetch-site'),
    fetchMode: get('sec-fetch-mode'),
    address: socket.remoteAddress ?? '',
  };
}

export interface CallerRules {
  /** CORE_ADMIN_HOST. */
  readonly listenHost: string;
  readonly token: string | undefined;
  /** The browsers that are signed in; undefined without a token. */
  readonly sessions: Sessions | undefined;
  readonly attempts: Attempts;
}

/**
Decides whether a caller may use a route that is not open to everybody. A web page in a browser on this machine can reach the
listener, too. Therefore an Origin must be this listener's own, a request that a page of another site causes is refused, and
without a token the Host must be ours, so that no foreign name leads here.

@param open `page`: it needs no token
@returns the refusal; undefined when the caller may
*/
export function refuseCaller(caller: Caller, rules: CallerRules, open?: Route['open']): Refusal | undefined {
  const {listenHost, token} = rules;
  const foreign = refuseForeign(caller, rules);
  if (foreign) return foreign;
  if (token === undefined) return isLoopback(listenHost) ? undefined : forbidden('set CORE_ADMIN_TOKEN to use this from another machine');
  if (open === 'page' || isSignedIn(caller, rules)) return undefined;
  return caller.authorization === '' ? tokenNeeded() : refuseToken(bearerOf(caller.authorization), caller, rules);
}

/** The one page of another site that may lead here is a link that a person follows: nothing can read the answer. */
function refuseForeign({method, host, origin, fetchSite, fetchMode}: Caller, {listenHost, token}: CallerRules): Refusal | undefined {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  if (!isLoopback(name) && name !== listenHost.toLowerCase() && token === undefined) return forbidden('this Host is not served here');
  const isOwn = origin === '' || origin === `http://${host}` || origin === `https://${host}`;
  const isLink = (method === 'GET' || method === 'HEAD') && fetchMode === 'navigate';
  const isFromOwnPage = fetchSite === '' || fetchSite === 'same-origin' || fetchSite === 'none';
  return isOwn && (isFromOwnPage || isLink) ? undefined : forbidden('requests from other sites are not served here');
}

export const isSignedIn = ({cookie, host}: Caller, {sessions}: CallerRules): boolean =>
  cookie !== '' && sessions !== undefined && cookiesOf(cookie, cookieName(host)).some(each => sessions.isOpen(each));

/**
Compares a token with the one that is set, which is one. The right one is let in always: callers behind one proxy have one
address, and a stranger there must not lock the others out. Past a number of wrong ones from an address, each is told to wait.

@returns the refusal; undefined when it is the right one
*/
export function refuseToken(given: string, {address}: Caller, {token = '', attempts}: CallerRules): Refusal | undefined {
  if (sameText(given, token)) return undefined;
  const waitS = attempts.waitS(address);
  if (waitS > 0) {
    return new Refusal('TOO_MANY_ATTEMPTS', `too many wrong tokens came from here; try again in ${waitS} s`, {
      headers: {'Retry-After': String(waitS)},
    });
  }
  attempts.wasWrong(address);
  return tokenNeeded();
}

const bearerOf = (authorization: string) => /^bearer +(.*)$/i.exec(authorization)?.[1] ?? '';
const tokenNeeded = () => forbidden('the bearer token of CORE_ADMIN_TOKEN is needed');
const forbidden = (refused: string) => new Refusal('FORBIDDEN', refused, {details: {refused}});

export const isLoopback = (host: string) => /^(127\.\d+\.\d+\.\d+|localhost|::1|\[::1\])$/.test(host);

/** Takes the same time however much of the texts is equal, so that the time does not help to guess a token. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
