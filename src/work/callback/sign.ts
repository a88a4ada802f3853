import {createHmac} from 'node:crypto';

/**
The fields that sign a callback, as Standard Webhooks has them.

@param id the same for every try, so that a receiver knows a repetition
@param at wall time in milliseconds since 1970
@param keys each makes a signature
*/
export function signedFields(id: string, at: number, body: Uint8Array, keys: readonly Buffer[]): Record<string, string> {
  const seconds = String(Math.floor(at / 1000));
  const sign = (key: Buffer) => `v1,${createHmac('sha256', key).update(`${id}.${seconds}.`).update(body).digest('base64')}`;
  return {'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': keys.map(sign).join(' ')};
}
