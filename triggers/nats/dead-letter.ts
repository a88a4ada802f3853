import {headers, type MsgHdrs} from '@nats-io/transport-node';
import {attempt} from '../../src/attempt.ts';
import {headersOf, type Received} from './connect.ts';

/**
What is published of a message that is put aside: its body and headers, and why. Headers of NATS itself stay behind: they would
tell the stream of dead letters what to do.

@param mostBytes of a message
@returns `hasRoom`: false when nothing fits beside what the message has; then the reason is left out
*/
export function deadLetterOf(
  message: Received,
  {id, why}: {readonly id?: string; readonly why: string},
  mostBytes: number,
): {headers: MsgHdrs; data: Uint8Array; hasRoom: boolean} {
  const {data, subject} = message;
  const given = headersOf(message);
  const kept = headers();
  let headBytes = spareBytes;
  for (const name of given?.keys() ?? []) {
    if (/^nats-/i.test(name)) continue;
    for (const value of given?.values(name) ?? []) {
      attempt(() => kept.append(name, value)); // what other clients have sent may be none of those that this one writes
      headBytes += Buffer.byteLength(name) + Buffer.byteLength(value) + 4;
    }
  }
  const reason = [['Core-Reason', why], ['Core-Subject', subject], ...(id === undefined ? [] : [['Core-Message', id]])] as const;
  for (const [name = '', value = ''] of reason) headBytes += name.length + Buffer.byteLength(value) + 4;
  const hasRoom = headBytes <= mostHeadBytes && headBytes + data.length <= mostBytes;
  if (hasRoom) for (const [name = '', value = ''] of reason) kept.set(name, value);
  return {headers: kept, data, hasRoom};
}

/** JetStream refuses longer headers. */
const mostHeadBytes = 64 * 2 ** 10;
/** For what the client adds: the version line, the name for duplicates. */
const spareBytes = 512;
