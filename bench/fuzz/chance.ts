import {seed} from './run.ts';

let state = seed;

/** Mulberry32: small, fast, and the same everywhere. */
export function random(below: number): number {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
}
export const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T; // never empty

export function mutate(text: string, parts: readonly string[]): string {
  const at = random(text.length + 1);
  const length = random(12);
  switch (random(5)) {
    case 0:
      return text.slice(0, at) + pick(parts) + text.slice(at);
    case 1:
      return text.slice(0, at) + text.slice(at + length);
    case 2:
      return text.slice(0, at) + text.slice(at, at + length).repeat(2) + text.slice(at + length);
    case 3:
      return text.slice(0, at) + pick(parts) + text.slice(at + 1);
    default:
      return text.slice(0, at) + String.fromCharCode(random(256)) + text.slice(at + 1);
  }
}
