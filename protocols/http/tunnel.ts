import type {Socket} from 'node:net';
import type {Clock} from '../../src/clock.ts';
import {Fault} from '../../src/errors.ts';
import type {OpenBody} from '../../src/passing.ts';
import type {RuntimeCall} from '../../src/runtime.ts';
import type {StreamLimits} from '../../src/streamed-body.ts';
import {type AnswerHouse, type Incoming, windowed} from './answer.ts';
import type {AnswerHead} from './answer-head.ts';
import {passFields} from './fields.ts';

/** How long a server may take to read the rest of a tunnel that is over. */
const lastBytesMs = 2000;

/** A connection that speaks another protocol. */
export interface Tunnel {
  readonly socket: Socket;
  /** What came behind the head of the answer, in its packet. */
  readonly rest: Buffer;
  /** What the client sends. */
  readonly sent: OpenBody;
}

/** The server has taken an offer to upgrade: from now on bytes pass in both directions, until one side ends. */
export function passTunnel(
  head: AnswerHead,
  {socket, rest, sent}: Tunnel,
  call: RuntimeCall,
  limits: StreamLimits,
  house: AnswerHouse,
): Incoming {
  const {stream, piece} = windowed(socket, call, limits, house);
  if (rest.length > 0) piece(rest);
  sent.take({
    piece(bytes) {
      stream.moved();
      return socket.write(bytes);
    },
    end: () => void socket.end(),
    failed: () => void socket.destroySoon(),
  });
  const passed = ['Connection', 'Upgrade', 'Upgrade', head.upgrade ?? ''];
  passFields(head.fields, (name, value, lower) => {
    if (lower !== 'core-invocation-id' && lower !== 'content-length') passed.push(name, value);
  });
  house.begun({status: 101, reason: head.reason, passed, body: nothing, stream, trailers: () => []});
  return {
    piece,
    ended() {
      house.whole();
      stream.end();
    },
    lost(cause) {
      house.broken();
      stream.fail(new Fault('UPSTREAM_LOST', {cause}));
    },
    breakOff: fault => stream.giveUp(fault),
  };
}

/** Ends a tunnel. What its client sent last still arrives, unless the server has stopped reading. */
export function endTunnel(socket: Socket, clock: Clock): void {
  const stopTimer = clock.after(lastBytesMs, () => socket.destroy());
  socket.once('close', stopTimer);
  socket.destroySoon();
}

const nothing: Buffer = Buffer.alloc(0);
