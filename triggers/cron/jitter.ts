import {createHash} from 'node:crypto';

/** How much later an occurrence is delivered. It looks random, but is the same on every machine and at every time. */
export function jitterOf(name: string, jitterMs: number, occurrence: number): number {
  if (jitterMs === 0) return 0;
  const digest = createHash('sha256').update(`${name} ${occurrence}`).digest();
  return Math.floor((digest.readUIntBE(0, 6) / 2 ** 48) * jitterMs);
}
