import type {Socket} from 'node:net';
import {type Duplex, duplexPair} from 'node:stream';
import test, {type ExecutionContext} from 'ava';
import {replyOf} from '../src/conform/channel/call.ts';
import {Calls, inTurn} from '../src/conform/channel/calls.ts';
import {callFrames, type Form, type Frame, FrameReader, frame, fromBridge, type Run, unknownLength} from '../src/conform/channel/frames.ts';

// The client of frames that judges a sub-runtime: what it takes for an offence, and what not.

const {result, data, end, failed, pong} = fromBridge;
const run: Run = {form: 0, json: Buffer.from('{}'), body: Buffer.alloc(0)};

/** The two ends of a channel: the judge's calls, and what the sub-runtime sees and sends. */
function channel() {
  const [ours, theirs] = duplexPair();
  const calls = new Calls(ours as Duplex as Socket); // reads, writes and ends like one
  const received: Frame[] = [];
  const reader = new FrameReader();
  theirs.on('data', chunk => received.push(...reader.feed(chunk)));
  const send = async (...frames: Buffer[]) => {
    theirs.write(Buffer.concat(frames));
    for (let i = 0; i < 10; i++) await new Promise(setImmediate);
  };
  return {calls, received, send, close: () => ours.destroy()};
}

function resultOf(call: number, {form = 0, json = '', body = '', bodyBytes = Buffer.byteLength(body)}): Buffer {
  const head = Buffer.alloc(9);
  head.writeUInt8(form, 0);
  head.writeUInt32BE(Buffer.byteLength(json), 1);
  head.writeUInt32BE(bodyBytes, 5);
  return frame(result, call, Buffer.concat([head, Buffer.from(json), Buffer.from(body)]));
}

async function offends(t: ExecutionContext, frames: readonly Buffer[], message: RegExp, more: {isWhole?: false} = {}) {
  const {calls, send} = channel();
  const call = more.isWhole === false ? calls.open({number: 7}) : calls.begin(run, {number: 7, credit: 'none'});
  await send(...frames);
  await t.throwsAsync(call.outcome, {message});
  t.regex(calls.broken?.message ?? '', message);
  await t.throwsAsync(calls.begin(run).outcome, {message});
}

for (const [title, frames, message, more] of [
  ['a frame past 1 MiB', [Buffer.from('00100001110000000700', 'hex')], /a frame of 1048577 bytes came/],
  ['a call that is not open', [frame(end, 8)], /call 8, which is not open/],
  ['a type of the core’s', [frame(2, 7)], /of type 2 came, which the core sends/],
  ['DATA before RESULT', [frame(data, 7, Buffer.from('x'))], /DATA came before RESULT/],
  ['a second RESULT', [resultOf(7, {form: 1, bodyBytes: 5}), resultOf(7, {})], /a second RESULT/],
  ['RESULT before the CALL is whole', [resultOf(7, {})], /before the CALL was whole/, {isWhole: false}],
  ['RESULT without its head', [frame(result, 7, Buffer.alloc(8))], /RESULT has 8 bytes/],
  ['an unknown form', [resultOf(7, {form: 3})], /form 3/],
  ['JSON of unknown length', [frame(result, 7, Buffer.from('00ffffffff00000000', 'hex'))], /no length of its JSON/],
  ['form 0 with a body', [resultOf(7, {form: 0, json: '1', body: 'x'})], /form 0 has a body/],
  ['more bytes than RESULT said', [resultOf(7, {form: 1, bodyBytes: 5}), frame(data, 7, Buffer.alloc(6))], /more bytes/],
  ['END in the middle of a reply', [resultOf(7, {form: 1, bodyBytes: 5}), frame(end, 7)], /END came in the middle/],
  ['END without CANCEL', [frame(end, 7)], /END came without CANCEL/],
  ['END with a payload', [frame(end, 7, Buffer.alloc(1))], /END has a payload/],
  ['a message past 64 KiB', [frame(failed, 7, Buffer.alloc(65_537))], /FAILED has 65537 bytes/],
  ['a message that is not UTF-8', [frame(failed, 7, Buffer.from([0xc3]))], /FAILED is not UTF-8/],
  ['PONG without PING', [frame(pong, 0)], /nobody asked for/],
  ['PONG for a call', [frame(pong, 7)], /PONG for call 7/],
  ['bytes beyond the window', [65_536, 65_536, 65_536, 65_536, 1].map(big), /262145 bytes of a reply came; 262144 were allowed/],
] as const satisfies readonly (readonly [string, readonly Buffer[], RegExp, {isWhole: false}?])[]) {
  test(`an offence: ${title}`, t => offends(t, frames, message, more));
}

function big(bytes: number, index: number): Buffer {
  const piece = 'x'.repeat(bytes);
  return index === 0 ? resultOf(7, {form: 1, body: piece, bodyBytes: 1_000_000}) : frame(data, 7, Buffer.from(piece));
}

test('a second end of a call is an offence', async t => {
  const {calls, send} = channel();
  const call = calls.begin(run);
  await send(resultOf(1, {json: '1'}), frame(end, 1));
  t.is((await call.outcome).kind, 'result');
  t.regex(calls.broken?.message ?? '', /call 1, which is not open/);
});

test('a text that is not UTF-8, and JSON that holds the body, make no reply', t => {
  t.throws(() => replyOf({kind: 'end'}), {message: /without a reply/});
  t.throws(() => replyOf({kind: 'result', form: 1, json: undefined, body: Buffer.from([0xff])}), {message: /not UTF-8/});
  for (const json of ['[]', 'null', '1', '{"body":1}'])
    t.throws(() => replyOf({kind: 'result', form: 1, json, body: Buffer.from('x')}), {message: /an object without `body`/});
});

for (const [title, reply, text] of [
  ['JSON', {json: '{"a": 1e400}'}, '{"a": 1e400}'],
  ['nothing', {}, ''],
  ['a text', {form: 1, body: '"ž"\n'}, '"\\"ž\\"\\n"'],
  ['an object with a text', {form: 1, json: '{"statusCode":201}', body: 'ž'}, '{"statusCode":201,"body":"ž"}'],
  ['an object with bytes', {form: 2, json: '{"isBase64Encoded":false}', body: 'hi'}, '{"isBase64Encoded":true,"body":"aGk="}'],
  ['bytes', {form: 2, body: 'hi'}, '{"body":"aGk=","isBase64Encoded":true}'],
] as const) {
  test(`a reply: ${title}`, async t => {
    const {calls, send} = channel();
    const call = calls.begin(run);
    await send(resultOf(1, reply));
    t.like(replyOf(await call.outcome), {status: 200, body: Buffer.from(text)});
    t.is(calls.broken, undefined);
  });
}

test('a reply in pieces gets as much credit as has come', async t => {
  const {calls, received, send} = channel();
  const call = calls.begin(run);
  await send(resultOf(1, {form: 1, body: 'ab', bodyBytes: 5}), frame(data, 1, Buffer.from('cd')));
  await send(frame(data, 1, Buffer.from('e')));
  t.is(replyOf(await call.outcome).body.toString(), '"abcde"');
  t.deepEqual(
    received.filter(({type}) => type === 4).map(({payload}) => payload.readUInt32BE()),
    [2, 2],
  );
});

test('END completes a reply of unknown length, FAILED breaks it off', async t => {
  const {calls, send} = channel();
  const [whole, broken] = [calls.begin(run), calls.begin(run)];
  const begun = {form: 1, bodyBytes: unknownLength};
  await send(resultOf(1, begun), resultOf(2, begun), frame(data, 2, Buffer.from('b')), frame(data, 1, Buffer.from('a')));
  await send(frame(end, 1), frame(failed, 2, Buffer.from('no luck')));
  t.is(replyOf(await whole.outcome).body.toString(), '"a"');
  t.deepEqual(await broken.outcome, {kind: 'failed', message: 'no luck'});
});

test('a cancelled call may end in any way, once', async t => {
  const {calls, send} = channel();
  const cancelled = [1, 2, 3, 4].map(() => calls.begin(run));
  for (const call of cancelled) calls.cancel(call);
  await send(frame(end, 1), frame(failed, 2), resultOf(3, {json: '3'}), resultOf(4, {form: 1, bodyBytes: 9}), frame(end, 4));
  const kinds = (await Promise.all(cancelled.map(({outcome}) => outcome))).map(({kind}) => kind);
  t.deepEqual(kinds, ['end', 'failed', 'result', 'end']);
  t.is(calls.broken, undefined);
});

test('types that are not known are skipped', async t => {
  const {calls, send} = channel();
  await send(frame(99, 5, Buffer.alloc(3)), frame(22, 0));
  t.is(calls.broken, undefined);
});

test('a channel that is closed fails the open calls and PINGs', async t => {
  const {calls, close} = channel();
  const [call, ping] = [calls.begin(run), calls.ping()];
  close();
  await t.throwsAsync(call.outcome, {message: /closed the channel/});
  await t.throwsAsync(ping, {message: /closed the channel/});
});

test('frames are read however they are cut', t => {
  const frames = [frame(1, 2, Buffer.from('abc')), frame(5, 0), frame(17, 2 ** 32 - 1, Buffer.alloc(70_000, 'x'))];
  const whole = Buffer.concat(frames);
  for (const size of [1, 2, 9, 10, 4096, whole.length]) {
    const reader = new FrameReader();
    const read: Frame[] = [];
    for (let at = 0; at < whole.length; at += size) read.push(...reader.feed(whole.subarray(at, at + size)));
    t.deepEqual(
      read.map(({type, call, payload}) => [type, call, payload.length]),
      [
        [1, 2, 3],
        [5, 0, 0],
        [17, 2 ** 32 - 1, 70_000],
      ],
    );
  }
});

test('a CALL says the lengths of JSON and body, and BODY frames complete it', t => {
  const form: Form = 2;
  const frames = callFrames(9, {form, json: Buffer.from('{"a":1}'), body: Buffer.from('hello')}, 4, 3);
  const read = [...new FrameReader().feed(Buffer.concat(frames))];
  t.deepEqual(
    read.map(({type}) => type),
    [1, 2, 2, 2],
  );
  t.is(read[0]?.payload.toString('hex'), `02${'00000007'}${'00000005'}${Buffer.from('{"a"').toString('hex')}`);
  t.is(Buffer.concat(read.slice(1).map(({payload}) => payload)).toString(), ':1}hello');
});

test('frames of several calls are sent in turn', t => {
  const [a, b] = [
    [Buffer.from('a'), Buffer.from('A')],
    [Buffer.from('b'), Buffer.from('B'), Buffer.from('β')],
  ];
  t.is(Buffer.concat(inTurn([a, b])).toString(), 'abABβ');
});
