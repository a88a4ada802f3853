import {systemClock} from '../../clock.ts';
import {accepts} from '../../workers/process/port.ts';
import type {ChannelCase} from '../case.ts';
import {same, sameJson} from '../expect.ts';
import {callFrames, frame} from './frames.ts';
import type {ChannelSubRuntime} from './sub-runtime.ts';
import {beyondAscii, long, sameText} from './texts.ts';

const everyByte = Buffer.from(Array.from({length: 256}, (_, index) => index));
const longBytes = Buffer.concat(Array.from({length: 6000}, () => everyByte));
const soonMs = 2000;

/** Frames and bodies, however they are cut. */
export const cuttingCases: readonly ChannelCase[] = [
  {
    title: 'nothing listens while calls come on the channel',
    over: 'channel',
    run: async sub => same({port: await accepts('127.0.0.1', sub.port)}, {port: false}),
  },
  {
    title: 'a text of more than 1 MiB survives both ways',
    over: 'channel',
    run: async sub => sameText(await sub.text({do: 'return', value: long}), long),
  },
  {
    title: 'bytes of more than 1 MiB survive both ways',
    over: 'channel',
    run: async sub => sameBytes(await bodyOf(sub, sub.calls.begin(sub.run(longBytes, {form: 1})).outcome), longBytes),
  },
  {
    title: 'a body that is base64 already is taken as it is',
    over: 'channel',
    run: async sub => sameBytes(await bodyOf(sub, sub.calls.begin(sub.run(longBytes, {form: 2})).outcome), longBytes),
  },
  {
    title: 'JSON and body may be cut anywhere',
    over: 'channel',
    async run(sub) {
      for (const [first, next] of [
        [0, 1],
        [1, 7],
        [100, 1000],
      ] as const) {
        const call = sub.calls.open();
        call.isWhole = true;
        sub.calls.write(...callFrames(call.number, sub.run({do: 'return', value: [beyondAscii]}), first, next));
        sameJson((await sub.replyTo(call.outcome)).body.toString(), [beyondAscii]);
      }
    },
  },
  {
    title: 'a frame may be as long as 1 MiB',
    over: 'channel',
    async run(sub) {
      const call = sub.calls.open();
      call.isWhole = true;
      sub.calls.write(...callFrames(call.number, sub.run({do: 'return', value: long}), 2 ** 20 - 9, 2 ** 20));
      sameText(JSON.parse((await sub.replyTo(call.outcome)).body.toString()), long);
    },
  },
  {
    title: 'frames may come a byte at a time',
    over: 'channel',
    async run(sub) {
      const call = sub.calls.open();
      call.isWhole = true;
      for (const byte of Buffer.concat(callFrames(call.number, sub.run({do: 'return', value: beyondAscii}), 50))) {
        sub.calls.write(Buffer.of(byte));
        await systemClock.turn();
      }
      sameJson((await sub.replyTo(call.outcome)).body.toString(), beyondAscii);
    },
  },
  {
    title: 'many frames may come in one piece, and types that it does not know are skipped',
    over: 'channel',
    async run(sub) {
      const call = sub.calls.open({number: 2 ** 32 - 1});
      call.isWhole = true;
      const unknown = [frame(99, 0), frame(77, call.number, everyByte), frame(250, 12_345, everyByte)];
      const pongs = sub.calls.pings(20, [...unknown, ...callFrames(call.number, sub.run({do: 'return', value: 'here'}), 10), ...unknown]);
      same((await sub.replyTo(call.outcome)).body.toString(), '"here"');
      same({pongs: await sub.within(soonMs, pongs)}, {pongs: true});
    },
  },
  {
    title: 'a number is used again after its call',
    over: 'channel',
    async run(sub) {
      for (const value of [1, 2, 3]) {
        const reply = await sub.replyTo(sub.calls.begin(sub.run({do: 'return', value}), {number: 7}).outcome);
        sameJson(reply.body.toString(), value);
      }
    },
  },
];

/** The bytes of a reply with `body` and `isBase64Encoded`. */
async function bodyOf(sub: ChannelSubRuntime, outcome: Parameters<ChannelSubRuntime['replyTo']>[0]): Promise<Buffer> {
  const {status, body} = await sub.replyTo(outcome);
  if (status !== 200) throw new Error(`expected status 200, got ${status}: ${body.toString().slice(0, 200)}`);
  const result = JSON.parse(body.toString());
  same(result.isBase64Encoded, true);
  return Buffer.from(result.body, 'base64');
}

function sameBytes(bytes: Buffer, expected: Buffer): void {
  if (!bytes.equals(expected)) throw new Error(`expected ${expected.length} bytes, got ${bytes.length} others`);
}
