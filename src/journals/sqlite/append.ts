import {type Fact, isLast} from '../../facts.ts';
import type {Payload, Receipt, StreamAppend} from '../../journal.ts';
import {writeLine} from './line.ts';
import type {Append, Part} from './messages.ts';
import type {Taken} from './waiter.ts';

/** The command that appends facts to a stream. */
export function appendOf(stream: string, facts: readonly Fact[], at: number, more: Pick<Append, 'expect' | 'payloads' | 'work'>): Append {
  return {stream, text: linesOf(stream, facts, at), count: facts.length, begins: doesBegin(facts), ...more};
}

/** The one that appends to several streams at once. */
export function appendOfAll(appends: readonly [StreamAppend, ...StreamAppend[]], at: number): Append {
  const parts: Part[] = [];
  const payloads: Payload[] = [];
  let text = '';
  let last = 0;
  for (const {stream, facts, expect, payloads: own = []} of appends) {
    text += linesOf(stream, facts, at);
    last += facts.length;
    parts.push({stream, last, expect});
    payloads.push(...own);
  }
  return {stream: appends[0].stream, text, count: last, parts, begins: appends.some(({facts}) => doesBegin(facts)), payloads};
}

/** @throws TypeError when it is not that of facts that were kept */
export function receiptOf(outcome: Taken): Receipt {
  if (!('position' in outcome)) throw new TypeError('Expected the facts to have a position');
  return {position: outcome.position, durability: 'fsync'};
}

export function linesOf(stream: string, facts: readonly Fact[], at: number): string {
  let text = '';
  for (const fact of facts) text += writeLine(stream, at, fact);
  return text;
}

/** Facts without an end begin something. */
const doesBegin = (facts: readonly Fact[]) => facts.length > 0 && !facts.some(({type}) => isLast(type));
