import test, {type ExecutionContext} from 'ava';
import {Fault} from '../../src/errors.ts';
import type {ChannelReply} from '../../src/runtime.ts';
import type {StreamEnd} from '../../src/streamed-body.ts';
import {frameOf, openChannel, resultOf} from '../helpers/channel.ts';

// Replies that are handed over before they are whole, and what becomes of them.

const unknown = 0xffff_ffff;
const limits = {idleMs: 1000, timeoutMs: 60_000};

/** Sends a call that wants a stream, and answers with the beginning of one. */
async function begin(t: ExecutionContext, {body = 'a', json = '{}', form = 1, wanted = limits} = {}) {
  const opened = openChannel(t);
  const now = opened.clock.monotonic();
  const {reply, ends} = await opened.send({streams: wanted, deadline: now + 10_000, timeoutMs: 10_000});
  await opened.say(resultOf(1, {form, json, bodyBytes: unknown, body}));
  const {stream, ...head} = (await reply) as ChannelReply;
  if (!stream) throw new Error('Expected a stream');
  const got: string[] = [];
  const faults: (Fault | undefined)[] = [];
  return {
    ...opened,
    head,
    stream,
    ends,
    got,
    faults,
    take: (passes = true) =>
      stream.take({
        piece(bytes) {
          got.push(bytes.toString());
          if (passes) stream.passed(bytes.length);
        },
        over: fault => void faults.push(fault),
      }),
  };
}

const codeOf = ({fault}: StreamEnd) => fault?.code;

test('a stream breaks off when the function fails behind the head, with its message', async t => {
  const {say, take, stream, ends, got} = await begin(t);
  take();
  await say(frameOf(20, 1, 'no luck\n'));
  const end = await stream.ended;
  t.like(end.fault, {code: 'HANDLER_FAILED', message: 'An error occured during handler execution: no luck'});
  t.deepEqual([end.bytes, got], [1, ['a']]);
  t.like(ends, {length: 1, 0: {isOver: true, answered: true}});
});

test('a stream breaks off when the process ends, and when it breaks the protocol', async t => {
  const gone = await begin(t);
  gone.take();
  gone.channel.destroy(new Fault('UPSTREAM_LOST'));
  t.is(codeOf(await gone.stream.ended), 'UPSTREAM_LOST');
  const wrong = await begin(t);
  wrong.take();
  await wrong.say(frameOf(17, 1));
  t.is(codeOf(await wrong.stream.ended), 'UPSTREAM_PROTOCOL');
});

test('a stream breaks off when nothing came for too long, and its call is cancelled', async t => {
  const {clock, say, take, stream, ofType, faults, told, ends} = await begin(t);
  take();
  await clock.advance(900);
  await say(frameOf(18, 1, 'b'));
  await clock.advance(900);
  t.deepEqual(faults, []);
  await clock.advance(100);
  t.like(faults[0], {code: 'UPSTREAM_TIMEOUT', message: 'The function sent nothing more of its reply for 1000 ms'});
  t.is((await stream.ended).bytes, 2);
  await say();
  t.is(ofType(3).length, 1);
  t.deepEqual(
    told.filter(word => word === 'given up'),
    ['given up'],
  );
  t.is(ends.length, 0, 'its place is taken until the bridge says that it is over');
  await say(frameOf(19, 1));
  t.is(ends.length, 1);
});

test('while its reader is slow a stream is not idle, but it must end in time all the same', async t => {
  const {clock, take, faults} = await begin(t, {wanted: {idleMs: 1000, timeoutMs: 30_000}});
  take(false);
  await clock.advance(29_000);
  t.deepEqual(faults, []);
  await clock.advance(1000);
  t.like(faults[0], {code: 'UPSTREAM_TIMEOUT', message: 'The function did not end its reply within 30000 ms'});
});

test('a stream that nobody wants ends without a fault, and its call is cancelled', async t => {
  const {stream, say, ofType} = await begin(t);
  stream.giveUp();
  t.is(codeOf(await stream.ended), undefined);
  stream.giveUp(new Fault('CALLER_LEFT'));
  await say(frameOf(18, 1, 'late'));
  t.is(ofType(3).length, 1);
});

test('a stream whose JSON is no UTF-8 is a broken reply', async t => {
  const {send, say} = openChannel(t);
  const {reply} = await send({streams: limits});
  await say(resultOf(1, {form: 1, json: 'ab', bodyBytes: unknown}).fill(0xff, 18, 20));
  t.like(await reply, {code: 'UPSTREAM_PROTOCOL'});
});

test('a head that comes too late is the deadline’s fault', async t => {
  const {send, clock} = openChannel(t);
  const {reply} = await send({streams: limits, deadline: clock.monotonic() + 100, timeoutMs: 100});
  await clock.advance(100);
  t.like(await reply, {code: 'UPSTREAM_TIMEOUT'});
});

test('the bridge may send more only as bytes are passed on', async t => {
  const {say, take, stream, ofType, told} = await begin(t, {body: 'x'.repeat(100_000)});
  take(false);
  await say(...[1, 2].map(() => frameOf(18, 1, 'y'.repeat(80_000))));
  t.is(ofType(4).length, 0);
  stream.passed(100_000);
  await say();
  t.is(ofType(4).length, 0, 'credit comes in steps of half a window');
  stream.passed(80_000);
  await say();
  t.deepEqual(
    ofType(4).map(({payload}) => payload.readUInt32BE()),
    [180_000 + 2],
  );
  await say(frameOf(18, 1, Buffer.alloc(262_144 - 80_000 + 1)));
  t.is(codeOf(await stream.ended), 'UPSTREAM_PROTOCOL', 'more than it has credit for');
  t.true(told.length > 0);
});

test('pieces that came before somebody takes them are handed over first, and the end last', async t => {
  const {say, take, stream, got, faults, head} = await begin(t, {json: '{"statusCode":201}'});
  stream.keep(3);
  await say(frameOf(18, 1, 'b'), frameOf(18, 1), frameOf(18, 1, 'cd'), frameOf(19, 1));
  take();
  t.deepEqual(got, ['a', 'b', 'cd']);
  t.deepEqual(faults, [undefined]);
  t.like(head, {status: 200, json: '{"statusCode":201}'});
  t.is(head.content?.isText, true);
  const end = await stream.ended;
  t.like(end, {bytes: 4, fault: undefined});
});

test('as much of the beginning is kept as was asked for', async t => {
  const {say, take, stream} = await begin(t);
  stream.keep(3);
  take();
  await say(frameOf(18, 1, 'b'), frameOf(18, 1, 'cd'), frameOf(19, 1));
  t.is(String((await stream.ended).kept), 'abc');
});

test('a call that wants its reply whole gets it whole, and its error as an error', async t => {
  const {send, say} = openChannel(t);
  const [whole, failed] = [await send(), await send()];
  await say(resultOf(1, {form: 2, bodyBytes: unknown, body: 'a'}), frameOf(18, 1, 'b'), frameOf(19, 1));
  await say(resultOf(2, {form: 2, bodyBytes: unknown, body: 'a'}), frameOf(20, 2, 'no luck'));
  t.is(String(((await whole.reply) as ChannelReply).content?.body), 'ab');
  t.like(await failed.reply, {status: 500, json: 'no luck'});
});
