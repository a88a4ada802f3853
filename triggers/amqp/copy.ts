import type {ConsumeMessage, Options} from 'amqplib';

/** Most bytes of headers that a copy has; the client sends at most 64 KiB of them. */
const mostHeaderBytes = 48 * 1024;

/**
The properties with which a copy of a message is sent to where dead letters are. It does not expire there, and goes nowhere
else, and its deliveries are counted anew; who sent it is left out, as the broker would refuse another name than that of this connection.
*/
export function copyOf({properties}: ConsumeMessage, reason: Readonly<Record<string, string>>): Options.Publish {
  const {headers = {}, expiration: _, userId: __, clusterId: ___, ...same} = properties;
  const {CC: ____, BCC: _____, 'x-delivery-count': ______, ...others} = headers;
  const isTooLarge =
    Buffer.byteLength(JSON.stringify(others, (_, each) => (typeof each === 'bigint' ? String(each) : each))) > mostHeaderBytes;
  return {...same, headers: {...(isTooLarge ? {'core-headers': 'left out, as they are too large'} : others), ...reason}};
}
