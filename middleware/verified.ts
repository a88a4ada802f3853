import {hash} from 'node:crypto';
import type {Principal} from '../src/delivery.ts';
import type {VerifyingKey} from './signed.ts';

/** A token that was found valid, and the conditions under which it still is. */
export interface Verified {
  readonly principal: Principal;
  readonly keyId: string | undefined;
  /** The key object that verified it. After a rotation the key is another object. */
  readonly key: VerifyingKey;
  /** Wall time in milliseconds: it was checked at the first, and expires, with the tolerance, at the second. */
  readonly sinceMs: number;
  readonly untilMs: number;
}

const mostEntries = 1000;

/** Remembers tokens that were found valid, by their SHA-256: no token is kept. A refusal is never remembered. */
export class VerifiedTokens {
  readonly #entries = new Map<string, Verified>();

  get size(): number {
    return this.#entries.size;
  }

  /** Undefined for a token that is unknown, has expired, or was checked later than now, because the clock was set back. */
  find(token: string, nowMs: number): Verified | undefined {
    const name = nameOf(token);
    const entry = this.#entries.get(name);
    if (!entry) return undefined;
    this.#entries.delete(name);
    if (nowMs < entry.sinceMs || nowMs >= entry.untilMs) return undefined;
    this.#entries.set(name, entry); // the one that was used longest ago stands first
    return entry;
  }

  keep(token: string, verified: Verified): void {
    this.#entries.set(nameOf(token), verified);
    if (this.#entries.size <= mostEntries) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}

const nameOf = (token: string) => hash('sha256', token, 'base64');
