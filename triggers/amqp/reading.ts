import type {Socket} from 'node:net';
import type {Inlet} from '../../src/messages/message.ts';

/** What the client reads with. It does not declare it. */
export interface Reader {
  readonly stream: Pick<Socket, 'read' | 'emit'>;
  /** Whether anything has been read of late. Without it for two heartbeats, the client takes the broker for gone. */
  recvSinceLastCheck: boolean;
}

/**
Reads what the broker sends only while bytes have room: a `prefetch` counts messages, and each of them may have a hundred megabytes.
What is not read waits at the broker.
*/
export function readWhileRoom(reader: Reader, {signal, roomBytes, room}: Pick<Inlet, 'signal' | 'roomBytes' | 'room'>): void {
  const {stream} = reader;
  const read = stream.read.bind(stream);
  let [isResting, hasRead] = [false, reader.recvSinceLastCheck];
  stream.read = size => {
    if (signal.aborted || roomBytes() > 0) return read(size); // what comes while the trigger closes goes back at once
    if (!isResting) void rest();
    return null;
  };
  // While nothing is read, silence says nothing about the broker; one that has gone is noticed by the heartbeats that are sent to it.
  Object.defineProperty(reader, 'recvSinceLastCheck', {
    get: () => isResting || hasRead,
    set(value: boolean) {
      hasRead = value;
    },
  });

  async function rest(): Promise<void> {
    isResting = true;
    await room();
    isResting = false;
    stream.emit('readable'); // the client reads on
  }
}
