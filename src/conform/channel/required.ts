import {systemClock} from '../../clock.ts';
import type {ChannelCase} from '../case.ts';
import {same} from '../expect.ts';
import {replyOf, windowBytes} from './call.ts';
import {inTurn} from './calls.ts';
import {cuttingCases} from './cutting.ts';
import {callFrames} from './frames.ts';
import {manyCases} from './many.ts';
import {long, sameText} from './texts.ts';

const quietMs = 150;
const soonMs = 2000;
/** Bytes that need no credit, and are more than a socket takes: on Linux that is some 200 KiB. */
const fillingBytes = windowBytes - 1000;

/** What a sub-runtime that speaks on the channel must do there. */
export const requiredOnChannel: readonly ChannelCase[] = [
  ...cuttingCases,
  ...manyCases,
  {
    title: 'no byte of a reply comes beyond the window before there is credit',
    over: 'channel',
    async run(sub) {
      const call = sub.calls.begin(sub.run({do: 'return', value: long}), {credit: 'none'});
      for (const credit of [0, 1, 100_000, 300_000]) {
        if (credit > 0) sub.calls.credit(call, credit);
        await sub.until(() => call.received === call.allowed, soonMs);
        await systemClock.sleep(quietMs);
        same({received: call.received, broken: sub.calls.broken?.message}, {received: call.allowed, broken: undefined});
      }
      sub.calls.credit(call, 2 ** 31);
      sameText(JSON.parse((await sub.replyTo(call.outcome)).body.toString()), long);
    },
  },
  {
    title: 'a cancelled call whose reply waits for credit ends, and the next is served',
    over: 'channel',
    async run(sub) {
      const call = sub.calls.begin(sub.run({do: 'return', value: long}), {credit: 'none'});
      await sub.until(() => call.received === windowBytes, soonMs);
      sub.calls.cancel(call);
      same({ends: await sub.within(soonMs, call.outcome)}, {ends: true});
      same(await sub.text({do: 'return', value: 'next'}), 'next');
    },
  },
  {
    title: 'a cancelled call ends once, and the next is served',
    over: 'channel',
    async run(sub) {
      const call = sub.calls.begin(sub.run({do: 'slow', ms: 500}));
      await systemClock.sleep(quietMs);
      sub.calls.cancel(call);
      same({ends: await sub.within(soonMs, call.outcome)}, {ends: true});
      same(await sub.text({do: 'return', value: 'next'}), 'next');
    },
  },
  {
    title: 'a call that is cancelled before it came whole ends without having run',
    over: 'channel',
    async run(sub) {
      const call = sub.calls.open();
      const [first = Buffer.alloc(0)] = callFrames(call.number, sub.run({do: 'print', line: 'it ran'}), 20);
      sub.calls.write(first);
      sub.calls.cancel(call);
      same({ends: await sub.within(soonMs, call.outcome)}, {ends: true});
      same(await sub.text({do: 'return', value: 'next'}), 'next');
      same({ran: sub.lines.some(({line}) => line.includes('it ran'))}, {ran: false});
    },
  },
  {
    title: 'CANCEL and CREDIT for a call that has just ended are no errors',
    over: 'channel',
    async run(sub) {
      const call = sub.calls.begin(sub.run({do: 'nothing'}));
      await sub.replyTo(call.outcome);
      sub.calls.credit(call, 1000);
      sub.calls.cancel(call);
      same(await sub.text({do: 'return', value: 'still here'}), 'still here');
    },
  },
  {
    title: 'PING is answered',
    over: 'channel',
    run: async sub => same({pong: await sub.within(soonMs, sub.calls.ping())}, {pong: true}),
  },
  {
    title: 'PING is answered while a call runs',
    over: 'channel',
    several: true,
    async run(sub) {
      const call = sub.calls.begin(sub.run({do: 'slow', ms: 1500}));
      await systemClock.sleep(quietMs);
      same({pong: await sub.within(1000, sub.calls.ping())}, {pong: true});
      same((await sub.replyTo(call.outcome)).body.toString(), '"slow"');
    },
  },
  {
    title: 'bodies of several calls may come in turn, and a short call passes them',
    over: 'channel',
    several: 'queued',
    async run(sub) {
      const texts = ['a', 'b', 'c'].map(letter => letter.repeat(1_200_000));
      const calls = texts.map(() => sub.calls.open());
      const frames = texts.map((value, at) => callFrames(calls[at]?.number ?? 0, sub.run({do: 'return', value})));
      const last = frames.map(each => each.pop() ?? Buffer.alloc(0));
      sub.calls.write(...inTurn(frames));
      same(await sub.text({do: 'return', value: 'short'}), 'short');
      for (const call of calls) call.isWhole = true;
      sub.calls.write(...last);
      for (const [at, call] of calls.entries()) sameText(JSON.parse((await sub.replyTo(call.outcome)).body.toString()), texts[at] ?? '');
    },
  },
  {
    title: 'a reply that waits for credit holds up no other call',
    over: 'channel',
    several: true,
    async run(sub) {
      const call = sub.calls.begin(sub.run({do: 'return', value: long}), {credit: 'none'});
      await sub.until(() => call.received === windowBytes, soonMs);
      sameText(await sub.text({do: 'return', value: long}), long);
      sub.calls.credit(call, 2 ** 31);
      sameText(JSON.parse((await sub.replyTo(call.outcome)).body.toString()), long);
    },
  },
  {
    title: 'what is answered while a reply fills the socket comes between the frames of the reply',
    over: 'channel',
    several: 'queued',
    async run(sub) {
      const value = 'x'.repeat(fillingBytes);
      const readOn = sub.calls.pause();
      try {
        const call = sub.calls.begin(sub.run({do: 'return', value}));
        const next = sub.calls.begin(sub.run({do: 'slow', ms: 500}));
        await systemClock.sleep(quietMs);
        sub.calls.cancel(next);
        const pong = sub.calls.ping();
        pong.catch(() => {}); // the calls fail, too
        await systemClock.sleep(quietMs);
        readOn();
        sameText(JSON.parse((await sub.replyTo(call.outcome)).body.toString()), value);
        same({ends: await sub.within(soonMs, next.outcome), pong: await sub.within(soonMs, pong)}, {ends: true, pong: true});
      } finally {
        readOn();
      }
    },
  },
  {
    title: 'the message of FAILED is cut at 64 KiB, between two characters',
    over: 'channel',
    async run(sub) {
      const {status, body} = await sub.call({do: 'throw', message: `x${'é'.repeat(50_000)}`});
      same({status, begins: body.toString().startsWith('xéé')}, {status: 500, begins: true});
    },
  },
  {
    title: 'at the end of the stream the open call is finished, then it exits with 0',
    over: 'channel',
    async run(_sub, start) {
      const own = await start();
      await own.call({do: 'nothing'}); // what is loaded late is loaded now
      const call = own.calls.begin(own.run({do: 'slow', ms: 1000}));
      await systemClock.sleep(quietMs);
      own.calls.end();
      same(replyOf(await call.outcome).body.toString(), '"slow"');
      same({ended: await own.endsWithin(5000)}, {ended: true});
      same(await own.ended, 'exit code 0');
    },
  },
  {
    title: 'a call that is not whole at the end of the stream is dropped, then it exits with 0',
    over: 'channel',
    async run(_sub, start) {
      const own = await start();
      const call = own.calls.open();
      own.calls.write(...callFrames(call.number, own.run({do: 'return', value: 'x'.repeat(200_000)})).slice(0, -1));
      await systemClock.sleep(quietMs);
      own.calls.end();
      same({ended: await own.endsWithin(5000)}, {ended: true});
      same(await own.ended, 'exit code 0');
    },
  },
  {
    title: 'at the end of the stream it exits with 0 when no call is open',
    over: 'channel',
    async run(_sub, start) {
      const own = await start();
      own.calls.end();
      same({ended: await own.endsWithin(5000)}, {ended: true});
      same(await own.ended, 'exit code 0');
    },
  },
];
