import {createHmac, randomBytes, timingSafeEqual} from 'node:crypto';
import type {Clock} from '../clock.ts';

/** How long a browser stays signed in. */
export const sessionMs = 12 * 3_600_000;
/** Sessions that were signed out before their time, and are remembered until then. With more, the oldest is forgotten. */
const mostEnded = 1000;

/**
The browsers that are signed in. A session is its end and a random id, signed with the token: nothing of it is kept here, so
it outlives a restart of the core, and ends when the token is another.
*/
export class Sessions {
  readonly #token: string;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #ended = new Set<string>();

  constructor(token: string, clock: Pick<Clock, 'now'>) {
    this.#token = token;
    this.#clock = clock;
  }

  open(): string {
    const body = `${(this.#clock.now() + sessionMs).toString(36)}.${randomBytes(16).toString('base64url')}`;
    return `${body}.${this.#sign(body)}`;
  }

  isOpen(session: string): boolean {
    const [, body = '', until = '', signature = ''] = /^(([0-9a-z]{1,12})\.[\w-]{22})\.([\w-]{43})$/.exec(session) ?? [];
    if (body === '' || this.#ended.has(body) || Number.parseInt(until, 36) <= this.#clock.now()) return false;
    return timingSafeEqual(Buffer.from(signature), Buffer.from(this.#sign(body)));
  }

  end(session: string): void {
    if (!this.isOpen(session)) return;
    this.#ended.add(session.slice(0, session.lastIndexOf('.')));
    for (const oldest of this.#ended) {
      if (this.#ended.size <= mostEnded) return;
      this.#ended.delete(oldest);
    }
  }

  #sign(body: string): string {
    return createHmac('sha256', this.#token).update(`core-runtime console session ${body}`).digest('base64url');
  }
}

/**
The name of the cookie. Browsers send a cookie to every port of a host, so that two cores on one machine would sign each other's
callers out.

@param host the Host field
*/
export const cookieName = (host: string) => `core_console_${/:(\d+)$/.exec(host)?.[1] ?? '80'}`;

/**
The values of a cookie. There may be several: a page at another port of this host can set one of this name, with a longer path,
which browsers send first. It must not sign the caller out.
*/
export function cookiesOf(field: string, name: string): string[] {
  return field.split(';').flatMap(pair => {
    const at = pair.indexOf('=');
    return at !== -1 && pair.slice(0, at).trim() === name ? [pair.slice(at + 1).trim()] : [];
  });
}

/**
What Set-Cookie carries. Only the API needs it, and no other site can send it.

@param session '' removes the cookie
@param folder where a proxy in front has the listener, with a slash at both ends
*/
export function writeCookie(name: string, session: string, {folder, isSecure}: {folder: string; isSecure: boolean}): string {
  const seconds = session === '' ? 0 : sessionMs / 1000;
  return `${name}=${session}; Path=${folder}api; Max-Age=${seconds}; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`;
}
