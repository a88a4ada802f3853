import {systemClock} from '../../clock.ts';
import type {ChannelCase} from '../case.ts';
import {same} from '../expect.ts';
import {windowBytes} from './call.ts';
import type {ChannelSubRuntime} from './sub-runtime.ts';

const quietMs = 150;
const soonMs = 2000;
const large = 'x'.repeat(65_536);

/** Bodies that are made piece by piece, where the conformance function can make one. */
export const streamingCases: readonly ChannelCase[] = [
  {
    title: 'a body that is made piece by piece leaves as it is made',
    over: 'channel',
    streams: true,
    async run(sub) {
      const call = sub.calls.begin(sub.run({do: 'stream', piece: 'é', count: 3, ms: 400}));
      await sub.until(() => call.isStreamed && call.hasBody, soonMs);
      same({first: call.hasBody, isOpen: sub.calls.isOpen(call)}, {first: true, isOpen: true});
      same(await textOf(sub, call), 'ééé');
    },
  },
  {
    title: 'no piece of a body is made for which there is no credit, and the rest is made when there is',
    over: 'channel',
    streams: true,
    async run(sub) {
      const call = sub.calls.begin(sub.run({do: 'stream', piece: large, count: 20, ms: 0}), {credit: 'none'});
      for (const credit of [0, 1, 100_000, 300_000]) {
        if (credit > 0) sub.calls.credit(call, credit);
        await sub.until(() => call.received === call.allowed, soonMs);
        await systemClock.sleep(quietMs);
        same({received: call.received, broken: sub.calls.broken?.message}, {received: call.allowed, broken: undefined});
      }
      sub.calls.credit(call, 2 ** 31);
      same((await textOf(sub, call)).length, 20 * large.length);
    },
  },
  {
    title: 'a body that fails behind its beginning ends with FAILED',
    over: 'channel',
    streams: true,
    async run(sub) {
      const call = sub.calls.begin(sub.run({do: 'stream', piece: 'x', count: 1, ms: 0, message: 'no luck'}));
      const {status, body} = await sub.replyTo(call.outcome);
      same({status, text: body.toString(), first: call.hasBody}, {status: 500, text: 'no luck', first: true});
      same(await sub.text({do: 'return', value: 'next'}), 'next');
    },
  },
  ...[
    {title: 'a body that waits for credit', piece: large, ms: 0, isReady: windowIsFull},
    {title: 'a body of which nothing comes for a while', piece: 'x', ms: 500, isReady: hasBegun},
  ].map(
    ({title, piece, ms, isReady}): ChannelCase => ({
      title: `${title} ends when its call is cancelled, and the next call is served`,
      over: 'channel',
      streams: true,
      async run(sub) {
        const line = `over ${title}`;
        const call = sub.calls.begin(sub.run({do: 'stream', piece, count: 1000, ms, line}), {credit: 'none'});
        await sub.until(() => isReady(call), soonMs);
        sub.calls.cancel(call);
        same({ends: await sub.within(soonMs, call.outcome), ...(await cleanedUp(sub, line))}, {ends: true, cleanedUp: true});
        same(await sub.text({do: 'return', value: 'next'}), 'next');
      },
    }),
  ),
  {
    title: 'a body that waits for credit holds up no other call',
    over: 'channel',
    several: true,
    streams: true,
    async run(sub) {
      const run = sub.run({do: 'stream', piece: large, count: 10, ms: 0});
      const waiting = Array.from({length: 3}, () => sub.calls.begin(run, {credit: 'none'}));
      await sub.until(() => waiting.every(windowIsFull), soonMs);
      same(await sub.text({do: 'return', value: 'short'}), 'short');
      same((await textOf(sub, sub.calls.begin(run))).length, 10 * large.length);
      for (const call of waiting) sub.calls.credit(call, 2 ** 31);
      for (const call of waiting) same((await sub.replyTo(call.outcome)).status, 200);
    },
  },
];

type Call = ReturnType<ChannelSubRuntime['calls']['begin']>;

/** Its head may have left before it was known whether it is text. */
async function textOf(sub: ChannelSubRuntime, call: Call): Promise<string> {
  const {body, isBase64Encoded} = JSON.parse((await sub.replyTo(call.outcome)).body.toString());
  return isBase64Encoded ? Buffer.from(body, 'base64').toString() : body;
}

function windowIsFull({received}: Call): boolean {
  return received === windowBytes;
}

function hasBegun({hasBody}: Call): boolean {
  return hasBody;
}

async function cleanedUp(sub: ChannelSubRuntime, line: string): Promise<{cleanedUp: boolean}> {
  const isThere = () => sub.lines.some(each => each.line.includes(line));
  await sub.until(isThere, soonMs);
  return {cleanedUp: isThere()};
}
