import type {Msg} from '@nats-io/transport-node';

/** Where a message of JetStream stands, and how often it was handed out. */
export interface Delivered {
  readonly stream: string;
  readonly consumer: string;
  /** Which time it is delivered, from 1. */
  readonly times: number;
  readonly sequence: number;
  /** Wall time by the server, in milliseconds since 1970. */
  readonly sentAt: number;
}

/**
The subject of the acknowledgement says it: `$JS.ACK.<stream>.<consumer>.<times>.<sequence>.<number>.<nanoseconds>.<pending>`, with
the domain and the hash of the account before the stream on servers that have them.

@throws Error for a message that no consumer hands out
*/
export function deliveredOf({reply = ''}: Pick<Msg, 'reply'>): Delivered {
  const words = reply.split('.');
  const first = words.length === 9 ? 2 : 4;
  if (words.length < 9 || words[0] !== '$JS' || words[1] !== 'ACK') throw new Error('the server sends what is no message of a stream');
  const [stream = '', consumer = '', times = '', sequence = '', , nanoseconds = ''] = words.slice(first);
  return {
    stream,
    consumer,
    times: Number.parseInt(times, 10),
    sequence: Number.parseInt(sequence, 10),
    sentAt: Math.floor(Number.parseInt(nanoseconds, 10) / 1_000_000),
  };
}
