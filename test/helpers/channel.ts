import {duplexPair} from 'node:stream';
import type {ExecutionContext} from 'ava';
import {Fault} from '../../src/errors.ts';
import type {CallEnd} from '../../src/hop/hop.ts';
import type {ChannelReply, RuntimeCall} from '../../src/runtime.ts';
import {Channel} from '../../src/workers/hop/channel.ts';
import type {ChannelOptions} from '../../src/workers/hop/channel-options.ts';
import {ManualClock, settle} from './clock.ts';
import {runtimeCall} from './event.ts';

/** A frame as it stands on the wire. */
export function frameOf(type: number, call: number, payload: Buffer | string = ''): Buffer {
  const bytes = Buffer.from(payload);
  const head = Buffer.alloc(9);
  head.writeUInt32BE(bytes.length);
  head[4] = type;
  head.writeUInt32BE(call, 5);
  return Buffer.concat([head, bytes]);
}

export interface ResultParts {
  readonly form?: number;
  readonly json?: string;
  readonly body?: Buffer | string;
  /** What the RESULT announces, when it is not the truth. */
  readonly jsonBytes?: number;
  readonly bodyBytes?: number;
}

export function resultOf(call: number, {form = 0, json = '', body = '', ...announced}: ResultParts): Buffer {
  const lead = Buffer.alloc(9);
  lead[0] = form;
  lead.writeUInt32BE(announced.jsonBytes ?? Buffer.byteLength(json), 1);
  lead.writeUInt32BE(announced.bodyBytes ?? Buffer.byteLength(body), 5);
  return frameOf(17, call, Buffer.concat([lead, Buffer.from(json), Buffer.from(body)]));
}

export interface Received {
  readonly type: number;
  readonly call: number;
  readonly payload: Buffer;
}

/** A channel whose other end is the test: it reads what the core sends, and sends what it likes. */
export function openChannel(t: ExecutionContext, some: Partial<ChannelOptions> = {}, clock = new ManualClock()) {
  const [ours, theirs] = duplexPair();
  const told: string[] = [];
  let pending = Buffer.alloc(0);
  const frames: Received[] = [];
  theirs.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 9 && pending.length >= 9 + pending.readUInt32BE()) {
      const end = 9 + pending.readUInt32BE();
      frames.push({type: pending[4] as number, call: pending.readUInt32BE(5), payload: pending.subarray(9, end)});
      pending = pending.subarray(end);
    }
  });
  const channel = new Channel(
    {
      socket: ours,
      maxReplyBytes: 2 ** 20,
      concurrency: 100,
      answersPing: true,
      takesBodies: true,
      onBroken: why => void told.push(why),
      onClosed: () => void told.push('closed'),
      onSilent: () => void told.push('silent'),
      onAlive: () => void told.push('alive'),
      ...some,
    },
    clock,
  );
  t.teardown(() => channel.destroy(new Fault('DRAINING')));

  return {
    channel,
    clock,
    theirs,
    told,
    frames,
    /** Sends a call, and waits until its frames have arrived. */
    async send(given: Partial<RuntimeCall> = {}) {
      const ends: CallEnd[] = [];
      const reply = channel
        .send(
          runtimeCall(given),
          end => void ends.push(end),
          () => void told.push('given up'),
        )
        .then(
          (answer): ChannelReply | Fault => answer,
          (error: Fault) => error,
        );
      await turns();
      return {reply, ends};
    },
    /** The bridge sends; resolves when the core has read it. */
    async say(...bytes: readonly Buffer[]) {
      for (const some of bytes) theirs.write(some);
      await turns();
    },
    ofType: (type: number) => frames.filter(frame => frame.type === type),
  };
}

/** Until what was written has been read. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await settle();
}
