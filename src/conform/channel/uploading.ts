import type {ChannelCase} from '../case.ts';
import {same} from '../expect.ts';
import type {Script} from '../script.ts';
import type {Call} from './call.ts';
import {callFrames, pieceBytes} from './frames.ts';
import type {ChannelSubRuntime} from './sub-runtime.ts';

const soonMs = 2000;
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
        const call = open(sub, piece);
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
    title: 'an empty body of unknown length is none, and a call of known length is shown in the same way',
    over: 'channel',
    async run(sub) {
      const call = open(sub);
      sub.calls.upload(call, Buffer.alloc(0));
      await sub.replyTo(call.outcome); // whatever the function makes of it
      same(await sub.text({do: 'return', value: 'whole'}), 'whole');
      const event = JSON.parse(await sub.returns({do: 'event'}));
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
        same(await sub.text({do: 'return', value: 'next'}), 'next');
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
      same(await sub.text({do: 'return', value: 'meanwhile'}), 'meanwhile');
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

/** A call whose body is still to come. */
function open(sub: ChannelSubRuntime, cutBytes = pieceBytes): Call {
  const call = sub.calls.open();
  call.uploads();
  const {json} = sub.run({});
  sub.calls.write(...callFrames(call.number, {form: 1, json, body: undefined}, cutBytes));
  return call;
}

/** Sends a script as the body, as far as there is credit. */
async function send(sub: ChannelSubRuntime, call: Call, script: Script): Promise<void> {
  const bytes = bytesOf(script);
  for (let at = 0; at < bytes.length; ) {
    await sub.until(() => call.uploadCredit > 0 || sub.calls.broken !== undefined, soonMs);
    same({credit: call.uploadCredit > 0, broken: sub.calls.broken?.message}, {credit: true, broken: undefined});
    const piece = bytes.subarray(at, at + Math.min(pieceBytes, call.uploadCredit));
    sub.calls.upload(call, piece);
    at += piece.length;
  }
  sub.calls.upload(call, Buffer.alloc(0));
}

async function returned(sub: ChannelSubRuntime, call: Call): Promise<string> {
  return JSON.parse((await sub.replyTo(call.outcome)).body.toString());
}
