import type {Clock} from '../../clock.ts';
import {Fault} from '../../errors.ts';
import {protocolBroken} from '../../hop/fault.ts';
import type {CallEnd, Hop} from '../../hop/hop.ts';
import {type ChannelReply, NotSent, type RuntimeCall} from '../../runtime.ts';
import {ChannelCall} from './channel-call.ts';
import type {ChannelOptions} from './channel-options.ts';
import {Departures} from './departures.ts';
import {FrameWriter} from './frame-writer.ts';
import {BrokenFrames, FrameReader, type FrameSink} from './frames.ts';
import {Liveness} from './liveness.ts';
import {OpenCalls} from './open-calls.ts';
import {eventOf, writeCall} from './text.ts';
import {refused, Uploads} from './uploads.ts';

/** The hop to one bridge that is on the channel: frames on a socket that it inherited. */
export class Channel implements Hop, FrameSink {
  readonly isChannel = true;
  readonly isUnasked: boolean;
  readonly clock: Clock;
  readonly #options: ChannelOptions;
  readonly #writer: FrameWriter;
  readonly #reader: FrameReader;
  readonly #liveness: Liveness;
  readonly #open: OpenCalls;
  readonly #departures: Departures;
  /** Bodies that are on their way, each as fast as it is read. */
  readonly #uploads: Uploads;
  /** The call whose bytes are coming now. */
  #current: ChannelCall | undefined;
  #isClosed = false;

  constructor(options: ChannelOptions, clock: Clock) {
    const {socket, concurrency, answersPing, onSilent, onAlive} = options;
    this.#options = options;
    this.clock = clock;
    this.isUnasked = concurrency > 1 && !answersPing;
    this.#writer = new FrameWriter(socket);
    this.#uploads = new Uploads(this.#writer);
    this.#reader = new FrameReader(this, clock);
    this.#open = new OpenCalls(concurrency);
    this.#departures = new Departures(this.#open);
    const isShared = concurrency > 1 && answersPing;
    const isIdle = () => this.#open.size === 0 && !this.#writer.isBehind;
    this.#liveness = new Liveness({isShared, isIdle, ping: () => this.#writer.ping(), onSilent, onAlive}, clock);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('drain', () => {
      onAlive();
      this.#uploads.goOn();
    });
    socket.on('error', () => {}); // 'close' follows
    socket.on('end', () => this.#closed());
    socket.on('close', () => this.#closed());
  }

  /** True when the process may not answer any more: then it gets no call. */
  get isDoubtful(): boolean {
    return this.#liveness.isDoubtful || this.#writer.isBehind;
  }

  /** True when it did not answer in time. */
  get isSilent(): boolean {
    return this.#liveness.isSilent;
  }

  /**
  One call of the function.

  @param ended called once, when the sub-runtime is done with the call, whatever became of its caller
  @param givenUp called when nobody waits any more for the rest of a reply that was handed over
  @throws NotSent when the process has closed its end; Fault UPSTREAM_TIMEOUT at the deadline, CALLER_LEFT when the signal
  aborted, UPSTREAM_LOST when the process ended, UPSTREAM_PROTOCOL when it broke the protocol
  */
  send(call: RuntimeCall, ended: (end: CallEnd) => void, givenUp: () => void): Promise<ChannelReply> {
    const event = eventOf(call);
    const {open: request} = event;
    if (request?.body && !this.#options.takesBodies) return Promise.reject(refused(ended));
    return new Promise((resolve, reject) => {
      const now = this.clock.monotonic();
      if (this.#isClosed || now >= call.deadline) {
        ended({mayRun: false, sentWhole: false, broke: this.#isClosed, byHost: false, answered: false, isOver: true});
        reject(this.#isClosed ? new NotSent('The sub-runtime has closed its channel') : new Fault('UPSTREAM_TIMEOUT'));
        return;
      }
      const open = new ChannelCall(this.#open.freeNumber(), call, {resolve, reject, ended, givenUp}, this);
      this.#open.add(open);
      open.stopTimer = this.clock.after(call.deadline - now, open.expire);
      if (!call.isSignalShared) call.signal?.addEventListener('abort', open, {once: true});
      else if (call.signal) this.#departures.watch(call.signal);
      this.#liveness.called(now, this.#open.size === 1);
      const json = writeCall(event, call.trace);
      if (request?.body) this.#uploads.begin(open, json, request, request.body);
      else open.long = this.#writer.call(open.number, event.form, json, event.body);
    });
  }

  /** Breaks off every call: the process is gone. */
  destroy(reason: Fault): void {
    this.#lose(reason);
    this.#options.socket.destroy();
  }

  // What an open call asks of its channel.
  get maxReplyBytes(): number {
    return this.#options.maxReplyBytes;
  }

  credit(call: number, bytes: number): void {
    if (!this.#isClosed) this.#writer.credit(call, bytes);
  }

  cancel(call: ChannelCall): void {
    if (this.#isClosed || this.#open.get(call.number) !== call) return;
    this.#writer.cancel(call.number);
    if (this.#open.hasRoom) call.stopSending();
  }

  // What the bridge sends.
  result(number: number, form: number, jsonBytes: number, bodyBytes: number): void {
    this.#current = this.#callOf(number);
    this.#current.begin(form, jsonBytes, bodyBytes);
  }

  data(number: number): void {
    this.#current = this.#callOf(number);
    this.#current.reply.more();
  }

  failed(number: number, bytes: number): void {
    this.#current = this.#callOf(number);
    this.#current.reply.fail(bytes);
  }

  bytes(chunk: Buffer, from: number, to: number): void {
    this.#current?.reply.take(chunk, from, to);
  }

  complete(): void {
    const call = this.#current;
    this.#current = undefined;
    if (call?.reply.isWhole) this.#conclude(call, false);
    else call?.flow();
  }

  end(number: number): void {
    this.#conclude(this.#callOf(number), true);
  }

  granted(number: number, bytes: number): void {
    this.#open.get(number)?.upload?.granted(bytes); // its call may have ended: it crossed the end
  }

  pong(): void {
    this.#writer.ponged(); // any frame says that it is alive
  }

  #conclude(call: ChannelCall, isEnd: boolean): void {
    this.#open.remove(call);
    if (call.upload) this.#uploads.delete(call.upload);
    try {
      call.conclude(isEnd);
    } catch (error) {
      if (error instanceof BrokenFrames) this.#open.add(call); // it is lost with the others
      throw error;
    }
  }

  #callOf(number: number): ChannelCall {
    const call = this.#open.get(number);
    if (!call) throw new BrokenFrames(`a frame for call ${number}, which is not open`);
    return call;
  }

  #read(chunk: Buffer): void {
    if (this.#isClosed) return;
    if (!this.#writer.isBehind) this.#liveness.heard(); // what it says while it does not read promises nothing
    try {
      this.#reader.read(chunk);
    } catch (error) {
      if (!(error instanceof BrokenFrames)) throw error;
      this.#lose(protocolBroken(`it sent ${error.message}`));
      this.#options.socket.destroy();
      this.#options.onBroken(`The sub-runtime broke the protocol: it sent ${error.message}`);
    }
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#lose(new Fault('UPSTREAM_LOST'));
    this.#options.onClosed();
  }

  #lose(reason: Fault): void {
    this.#isClosed = true;
    this.#liveness.close();
    this.#departures.close();
    this.#uploads.clear();
    for (const call of this.#open.takeAll()) call.lose(reason);
  }
}
