import type {Socket} from 'node:net';
import {Call} from './call.ts';
import {callFrames, creditFrame, type Frame, FrameReader, frame, fromBridge, fromCore, type Run} from './frames.ts';

export interface BeginOptions {
  /** `none`: the case itself gives credit. By default, credit is given for all bytes that have come. */
  readonly credit?: 'none';
  /** By default the smallest free number, so that numbers are used again. */
  readonly number?: number;
}

/** The core's end of the channel. When something breaks the protocol, the open calls and all later ones fail. */
export class Calls {
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #open = new Map<number, Call>();
  readonly #pings: PromiseWithResolvers<void>[] = [];
  readonly #withoutCredit = new WeakSet<Call>();
  #broken: Error | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => this.#break(new Error('the sub-runtime closed the channel')));
  }

  /** What broke the protocol, if anything did. */
  get broken(): Error | undefined {
    return this.#broken;
  }

  /** A call whose frames the case sends itself. */
  open({credit, number = this.#freeNumber()}: BeginOptions = {}): Call {
    const call = new Call(number);
    if (this.#broken) call.fail(this.#broken);
    this.#open.set(number, call);
    if (credit === 'none') this.#withoutCredit.add(call);
    return call;
  }

  /** Its last frame has not come. */
  isOpen(call: Call): boolean {
    return this.#open.get(call.number) === call;
  }

  /** Sends a whole call. */
  begin(run: Run, options?: BeginOptions): Call {
    const call = this.open(options);
    call.isWhole = true;
    this.write(...callFrames(call.number, run));
    return call;
  }

  write(...frames: readonly Buffer[]): void {
    this.#socket.write(Buffer.concat(frames));
  }

  /** Reads nothing, as a core that is busy. @returns reads on */
  pause(): () => void {
    this.#socket.pause();
    return () => void this.#socket.resume();
  }

  cancel(call: Call): void {
    call.isCancelled = true;
    this.write(frame(fromCore.cancel, call.number));
  }

  /** Sends a piece of a body of unknown length; an empty one ends it. */
  upload(call: Call, piece: Buffer): void {
    call.uploaded(piece.length);
    this.write(frame(fromCore.body, call.number, piece));
  }

  credit(call: Call, bytes: number): void {
    call.allowed += bytes;
    this.write(creditFrame(call.number, bytes));
  }

  /** Resolves with the PONG. */
  ping(): Promise<unknown> {
    return this.pings(1, []);
  }

  /** Sends that many PINGs in one piece with other frames; resolves when each was answered. */
  pings(count: number, frames: readonly Buffer[]): Promise<unknown> {
    if (this.#broken) return Promise.reject(this.#broken);
    const pings = Array.from({length: count}, () => Promise.withResolvers<void>());
    this.#pings.push(...pings);
    this.write(...pings.map(() => frame(fromCore.ping, 0)), ...frames);
    return Promise.all(pings.map(({promise}) => promise));
  }

  /** Ends the core's side, as the core does when it stops the process. */
  end(): void {
    this.#socket.end();
  }

  #freeNumber(): number {
    let number = 1;
    while (this.#open.has(number)) number++;
    return number;
  }

  #read(chunk: Buffer): void {
    if (this.#broken) return;
    try {
      for (const each of this.#reader.feed(chunk)) this.#take(each);
    } catch (error) {
      this.#break(error as Error);
    }
  }

  #take(each: Frame): void {
    if (each.type === fromBridge.pong) this.#pong(each);
    if (each.type === fromBridge.credit) this.#credited(each);
    else if (Object.values<number>(fromCore).includes(each.type))
      throw new Error(`a frame of type ${each.type} came, which the core sends`);
    if (!ofCalls.has(each.type)) return; // unknown types are skipped, so that the protocol can grow
    const call = this.#open.get(each.call);
    if (!call) throw new Error(`a frame of type ${each.type} came for call ${each.call}, which is not open`);
    const received = call.received;
    if (call.take(each)) this.#open.delete(each.call);
    else if (!this.#withoutCredit.has(call) && call.received > received) this.credit(call, call.received - received);
  }

  #credited({call: number, payload}: Frame): void {
    const call = this.#open.get(number);
    if (!call) throw new Error(`CREDIT came for call ${number}, which is not open`);
    call.credited(payload);
  }

  #pong({call, payload}: Frame): void {
    if (call !== 0 || payload.length > 0) throw new Error(`PONG for call ${call} with ${payload.length} bytes; expected call 0 and none`);
    const ping = this.#pings.shift();
    if (!ping) throw new Error('a PONG came that nobody asked for');
    ping.resolve();
  }

  #break(error: Error): void {
    this.#broken ??= error;
    for (const call of this.#open.values()) call.fail(this.#broken);
    for (const ping of this.#pings.splice(0)) ping.reject(this.#broken);
  }
}

const ofCalls = new Set<number>([fromBridge.result, fromBridge.data, fromBridge.end, fromBridge.failed]);

/** Frames of several calls in turn, as the core sends long bodies. */
export function inTurn(each: readonly (readonly Buffer[])[]): Buffer[] {
  const most = Math.max(...each.map(({length}) => length));
  return Array.from({length: most}, (_, at) => each.flatMap(frames => frames[at] ?? [])).flat();
}
