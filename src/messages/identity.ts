import {hash} from 'node:crypto';

/**
The invocation of a message: the same whenever it is delivered, so that one that was done is known again. A UUID of version 7
with the time of the sender and, in place of chance, a hash of where the message is from.

@param source name of the trigger
@param sentAt wall time in milliseconds, 0 where it is not known
*/
export function invocationOf(source: string, key: string, sentAt: number): string {
  const bytes = hash('sha256', `${source}\0${key}`, 'buffer').subarray(0, 16);
  bytes.writeUIntBE(Math.max(0, Math.min(2 ** 48 - 1, Math.floor(sentAt) || 0)), 0, 6);
  bytes.writeUInt8(0x70 | ((bytes[6] ?? 0) & 0x0f), 6); // version
  bytes.writeUInt8(0x80 | ((bytes[8] ?? 0) & 0x3f), 8); // variant
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
