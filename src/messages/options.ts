import {nearest} from '../nearest.ts';
import {parseDuration} from '../settings/setting.ts';
import type {Terms} from './message.ts';

/**
Reads the members of an entry one by one, and gathers what is wrong with them. Values may be secrets: a problem quotes none
that is a text, except where few words are allowed.
*/
export class Options {
  readonly #given: Readonly<Record<string, unknown>>;
  readonly #known: string[] = [];
  readonly #problems: string[] = [];

  constructor(given: Readonly<Record<string, unknown>>) {
    this.#given = given;
  }

  /** A text that must be there. */
  text(name: string, what: string): string {
    const given = this.#take(name);
    if (typeof given === 'string' && given !== '') return given;
    this.#problems.push(`\`${name}\`: expected ${what}, got ${kindOf(given)}`);
    return '';
  }

  optionalText(name: string, what: string): string | undefined {
    return this.#given[name] === undefined ? void this.#take(name) : this.text(name, what);
  }

  /** One text, or a list of some. */
  texts(name: string, what: string): readonly string[] {
    const given = this.#take(name);
    const list = Array.isArray(given) ? given : [given];
    if (list.length > 0 && list.every(each => typeof each === 'string' && each !== '')) return list;
    this.#problems.push(`\`${name}\`: expected ${what}, or a list of such, got ${kindOf(given)}`);
    return [];
  }

  integer(name: string, least: number, most: number): number | undefined {
    const given = this.#take(name);
    if (given === undefined) return undefined;
    if (Number.isInteger(given) && Number(given) >= least && Number(given) <= most) return Number(given);
    this.#problems.push(
      `\`${name}\`: expected an integer from ${least} to ${most}, got ${typeof given === 'number' ? given : kindOf(given)}`,
    );
    return undefined;
  }

  /** `500ms`, `2s`, `5m`. @returns milliseconds */
  duration(name: string, leastMs: number, mostMs: number): number | undefined {
    const given = this.#take(name);
    if (given === undefined) return undefined;
    const ms = typeof given === 'string' ? parseDuration(given) : undefined;
    if (ms !== undefined && ms >= leastMs && ms <= mostMs) return ms;
    this.#problems.push(`\`${name}\`: expected a duration from ${leastMs}ms to ${mostMs / 1000}s, such as 2s, got ${kindOf(given)}`);
    return undefined;
  }

  oneOf<const Word extends string>(name: string, words: readonly Word[], fallback: Word): Word {
    const given = this.#take(name);
    if (given === undefined) return fallback;
    const found = words.find(word => word === given);
    if (found === undefined) this.#problems.push(`\`${name}\`: expected ${words.join(' or ')}, got ${JSON.stringify(given)}`);
    return found ?? fallback;
  }

  truth(name: string): boolean {
    const given = this.#take(name);
    if (given === undefined || typeof given === 'boolean') return given === true;
    this.#problems.push(`\`${name}\`: expected true or false, got ${kindOf(given)}`);
    return false;
  }

  /** Notes what is wrong beside the single members. */
  refuse(problem: string): void {
    this.#problems.push(problem);
  }

  /** The members that every system has. */
  terms(): Terms {
    return {
      concurrency: this.integer('concurrency', 1, 10_000),
      ack: this.oneOf('ack', ['settled', 'accepted'], 'settled'),
      attempts: this.integer('attempts', 1, 1000),
      retryMs: this.duration('retry', 1, 3_600_000) ?? 1000,
    };
  }

  /** @throws Error with every problem, also of members that nobody asked for */
  end(): void {
    for (const name of Object.keys(this.#given)) {
      if (this.#known.includes(name)) continue;
      const close = nearest(name, this.#known);
      const hint = close && close.edits <= 2 ? ` Did you mean \`${close.word}\`?` : ` There are ${this.#known.join(', ')}.`;
      this.#problems.push(`\`${name}\` is not known.${hint}`);
    }
    if (this.#problems.length > 0) throw new Error(this.#problems.join('; '));
  }

  #take(name: string): unknown {
    this.#known.push(name);
    return this.#given[name];
  }
}

function kindOf(given: unknown): string {
  if (given === undefined) return 'nothing';
  if (given === null) return 'null';
  if (given === '') return 'an empty text';
  return Array.isArray(given)
    ? 'a list'
    : typeof given === 'object'
      ? 'an object'
      : `a ${typeof given === 'string' ? 'text' : typeof given}`;
}
