import type {IncomingMessage} from 'node:http';
import type {Socket} from 'node:net';
import type {Clock} from '../../src/clock.ts';
import {Fault} from '../../src/errors.ts';
import type {OpenBody} from '../../src/passing.ts';
import type {RuntimeCall} from '../../src/runtime.ts';
import type {StreamLimits} from '../../src/streamed-body.ts';
import {type AnswerHouse, type BreakOff, windowed} from './answer.ts';
import {passFields} from './fields.ts';

/** How long a server may take to read the rest of a tunnel that is over. */
const lastBytesMs = 2000;

/** A connection that speaks another protocol. */
export interface Tunnel {
  readonly socket: Socket;
  /** What came behind the head of the answer, in its packet. */
  readonly head: Buffer;
  /** What the client sends. */
  readonly sent: OpenBody;
}

/** The server has taken an offer to upgrade: from now on bytes pass in both directions, until one side ends. */
export function passTunnel(
  answer: IncomingMessage,
  {socket, head, sent}: Tunnel,
  call: RuntimeCall,
  limits: StreamLimits,
  house: AnswerHouse,
): BreakOff {
  const {stream, piece} = windowed(socket, call, limits, house);
  let isOver = false;
  const over = (fault?: Fault) => {
    if (isOver) return;
    isOver = true;
    if (fault) {
      house.broken();
      stream.fail(fault);
    } else {
      house.whole();
      stream.end();
    }
  };
  socket.on('error', cause => over(new Fault('UPSTREAM_LOST', {cause})));
  socket.once('end', () => over());
  socket.once('close', () => over());
  if (head.length > 0) piece(head);
  socket.on('data', piece);
  socket.on('drain', () => sent.more());
  sent.take({
    piece(bytes) {
      stream.moved();
      return socket.write(bytes);
    },
    end: () => void socket.end(),
    failed: () => void socket.destroySoon(),
  });
  const passed = ['Connection', 'Upgrade', 'Upgrade', answer.headers.upgrade ?? ''];
  passFields(answer.rawHeaders, (name, value, lower) => {
    if (lower !== 'core-invocation-id' && lower !== 'content-length') passed.push(name, value);
  });
  house.begun({status: 101, reason: answer.statusMessage ?? '', passed, body: nothing, stream, trailers: () => []});
  return fault => stream.giveUp(fault);
}

/** Ends a tunnel. What its client sent last still arrives, unless the server has stopped reading. */
export function endTunnel(socket: Socket, clock: Clock): void {
  const stopTimer = clock.after(lastBytesMs, () => socket.destroy());
  socket.once('close', stopTimer);
  socket.destroySoon();
}

const nothing: Buffer = Buffer.alloc(0);
