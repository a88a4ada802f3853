import type {HttpReply} from '../../runtime.ts';
import type {ChannelCase} from '../case.ts';
import {same} from '../expect.ts';
import type {Script} from '../script.ts';
import {type Call, windowBytes} from './call.ts';
import {callFrames, pieceBytes} from './frames.ts';
import type {ChannelSubRuntime} from './sub-runtime.ts';

const soonMs = 2000;
/** So long a function does not read. */
const unreadMs = 500;
/** By so much its timer may be early. */
const timerMs = 50;
/** Longer than what may be sent before there is credit. */
const long = 'ž'.repeat(500_000);

/** Bodies of unknown length, asked of a process that is told to read them as they come. */
export const uploadingCases: readonly ChannelCase[] = [
  {
    title: 'a body of unknown length arrives, however it is cut',
    over: 'channel',
    async run(sub) {
      for (const piece of [1, 7, pieceBytes]) {
        const script = bytesOf({do: 'return', value: 'é€👋'});
        const call = open(sub, {cutBytes: piece});
        for (let at = 0; at < script.length; at += piece) sub.calls.upload(call, script.subarray(at, at + piece));
        sub.calls.upload(call, Buffer.alloc(0));
        same(await returned(sub, call), 'é€👋');
      }
    },
  },
  {
    title: 'credit comes for what was read of a body, so that the rest can be sent, and for no more',
    over: 'channel',
    async run(sub) {
      const call = open(sub);
      await send(sub, call, {do: 'return', value: long});
      same({arrived: (await returned(sub, call)) === long}, {arrived: true});
    },
  },
  {
    title: 'no credit comes while nothing is read',
    over: 'channel',
    async run(sub) {
      const call = open(sub, {query: {do: 'read', ms: unreadMs}});
      for (let sent = 0; sent < windowBytes; sent += pieceBytes) sub.calls.upload(call, Buffer.alloc(pieceBytes));
      const waitedMs = await sub.until(() => call.uploadCredit > 0, unreadMs - timerMs);
      if (waitedMs < unreadMs - timerMs) same({credit: call.uploadCredit}, {credit: 0}); // else we looked late
      await sendBytes(sub, call, Buffer.alloc(windowBytes));
      same(await returned(sub, call), String(2 * windowBytes));
    },
  },
  {
    title: 'a reply may be made before the body was read whole, and what still comes of it is skipped',
    over: 'channel',
    async run(sub) {
      for (const sent of [0, 10, windowBytes]) {
        const call = open(sub, {query: {do: 'return', value: 'early'}});
        for (let at = 0; at < sent; at += pieceBytes) sub.calls.upload(call, Buffer.alloc(Math.min(pieceBytes, sent - at)));
        same({ends: await sub.within(soonMs, call.outcome)}, {ends: true});
        same(await returned(sub, call), 'early');
        for (const piece of [windowBytes - sent, 0]) sub.calls.upload(call, Buffer.alloc(piece)); // it was on its way
        const next = open(sub);
        await send(sub, next, {do: 'return', value: 'next'});
        same(await returned(sub, next), 'next');
      }
    },
  },
  {
    title: 'an empty body of unknown length is none, and a call of known length is shown in the same way',
    over: 'channel',
    async run(sub) {
      const call = open(sub);
      sub.calls.upload(call, Buffer.alloc(0));
      await sub.replyTo(call.outcome); // whatever the function makes of it
      same(textOf(await sub.call({do: 'return', value: 'whole'})), 'whole');
      const event = JSON.parse(textOf(await sub.call({do: 'event'})));
      same({path: event.path}, {path: '/conform'});
    },
  },
  {
    title: 'a call whose body breaks off ends, and the next is served',
    over: 'channel',
    async run(sub) {
      for (const sent of [0, 10, pieceBytes]) {
        const call = open(sub);
        if (sent > 0) sub.calls.upload(call, bytesOf({do: 'return', value: long}).subarray(0, sent));
        sub.calls.cancel(call);
        same({ends: await sub.within(soonMs, call.outcome)}, {ends: true});
        const {kind} = await call.outcome;
        same({hasReply: kind === 'result'}, {hasReply: false});
        same(textOf(await sub.call({do: 'return', value: 'next'})), 'next');
      }
    },
  },
  {
    title: 'PING is answered while a body is waited for',
    over: 'channel',
    several: true,
    async run(sub) {
      const call = open(sub);
      same({pong: await sub.within(soonMs, sub.calls.ping())}, {pong: true});
      same(textOf(await sub.call({do: 'return', value: 'meanwhile'})), 'meanwhile');
      await send(sub, call, {do: 'return', value: 'late'});
      same(await returned(sub, call), 'late');
    },
  },
  {
    title: 'several bodies of unknown length come in turn',
    over: 'channel',
    several: true,
    async run(sub) {
      const values = ['a', 'b', 'c'].map(letter => letter.repeat(1_000_000));
      const calls = values.map(() => open(sub));
      await Promise.all(values.map(async (value, at) => send(sub, calls[at] as Call, {do: 'return', value}))); // one for each
      for (const [at, call] of calls.entries()) same({arrived: (await returned(sub, call)) === values[at]}, {arrived: true});
    },
  },
];

const bytesOf = (script: Script) => Buffer.from(JSON.stringify(script));

/** A call whose body is still to come. With a script in the query the body is no script. */
function open(sub: ChannelSubRuntime, {query, cutBytes = pieceBytes}: {query?: Script; cutBytes?: number} = {}): Call {
  const call = sub.calls.open();
  call.uploads();
  const {json} = sub.run({}, query && {query: `script=${encodeURIComponent(JSON.stringify(query))}`});
  sub.calls.write(...callFrames(call.number, {form: 1, json, body: undefined}, cutBytes));
  return call;
}

/** Sends a script as the body. */
const send = async (sub: ChannelSubRuntime, call: Call, script: Script) => sendBytes(sub, call, bytesOf(script));

/** Sends the rest of a body, as far as there is credit, and its end. */
async function sendBytes(sub: ChannelSubRuntime, call: Call, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    await sub.until(() => call.uploadCredit > 0 || sub.calls.broken !== undefined, soonMs);
    same({credit: call.uploadCredit > 0, broken: sub.calls.broken?.message}, {credit: true, broken: undefined});
    const piece = bytes.subarray(at, at + Math.min(pieceBytes, call.uploadCredit));
    sub.calls.upload(call, piece);
    at += piece.length;
  }
  sub.calls.upload(call, Buffer.alloc(0));
}

const returned = async (sub: ChannelSubRuntime, call: Call) => textOf(await sub.replyTo(call.outcome));

/** What a caller reads: a text, the body of a result that has one, or JSON. */
function textOf({body}: HttpReply): string {
  const result: unknown = JSON.parse(body.toString());
  if (typeof result === 'string') return result;
  if (typeof result !== 'object' || result === null || !('body' in result)) return body.toString();
  const text = String(result.body);
  return 'isBase64Encoded' in result && result.isBase64Encoded ? Buffer.from(text, 'base64').toString() : text;
}
