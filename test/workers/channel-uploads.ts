import test, {type ExecutionContext} from 'ava';
import {Fault} from '../../src/errors.ts';
import type {BodyTaker, OpenBody} from '../../src/passing.ts';
import {frameOf, openChannel, resultOf} from '../helpers/channel.ts';
import {writtenEvent} from '../helpers/event.ts';

// Bodies of requests that are sent to the function as they come, and what becomes of them.

const frame = {call: 1, body: 2, cancel: 3, credit: 4} as const;
const windowBytes = 262_144;

/** A body that the test makes. */
class Source implements OpenBody {
  readonly bytes = undefined;
  passedBytes = 0;
  taker: BodyTaker | undefined;
  asked = 0;
  isDropped = false;

  take(taker: BodyTaker): void {
    this.taker = taker;
  }

  more(): void {
    this.asked++;
  }

  drop(): void {
    this.isDropped = true;
  }
}

async function begin(t: ExecutionContext, some: Parameters<typeof openChannel>[1] = {}) {
  const opened = openChannel(t, some);
  const source = new Source();
  const interim: number[] = [];
  const open = {target: '/', body: source, takesInterim: true, interim: (status: number) => void interim.push(status)};
  const sent = await opened.send({event: {...writtenEvent(), open}, deadline: opened.clock.monotonic() + 1000, timeoutMs: 1000});
  const {taker} = source;
  const piece = (bytes: number) => taker?.piece(Buffer.alloc(bytes, 'x'));
  const sentBytes = () => opened.ofType(frame.body).reduce((sum, {payload}) => sum + payload.length, 0);
  const settled = () => opened.say(); // what was written has been read
  return {...opened, ...sent, source, taker, interim, piece, sentBytes, settled};
}

const credit = (bytes: number) => {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return frameOf(frame.credit, 1, payload);
};

test('a sub-runtime that takes bodies only whole gets none of it: 502', async t => {
  const {reply, ends, frames, source} = await begin(t, {takesBodies: false});
  t.like(await reply, {code: 'UPSTREAM_PROTOCOL'});
  t.like(ends, {length: 1, 0: {mayRun: false, isOver: true}});
  t.deepEqual([frames.length, source.taker], [0, undefined]);
});

test('no more of a body is sent than there is credit for, and no more is asked for meanwhile', async t => {
  const {piece, settled, sentBytes, say, source} = await begin(t);
  for (let at = 0; at < 4; at++) t.true(piece(65_536));
  t.false(piece(10));
  await settled();
  t.deepEqual([sentBytes(), source.asked], [windowBytes, 0]);
  await say(credit(4));
  t.deepEqual([sentBytes(), source.asked], [windowBytes + 4, 0]);
  await say(credit(6));
  t.deepEqual([sentBytes(), source.asked], [windowBytes + 10, 1]);
});

test('credit for more than the window counts as a window', async t => {
  const {piece, say, sentBytes} = await begin(t);
  await say(credit(0xffff_ffff), credit(0xffff_ffff));
  t.false(piece(windowBytes + 1));
  await say();
  t.is(sentBytes(), windowBytes);
});

test('a bridge that gives credit and reads nothing is sent no more than a megabyte and a window', async t => {
  const {piece, say, theirs, sentBytes} = await begin(t);
  theirs.pause();
  for (let at = 0; at < 40; at++) {
    if (piece(65_536) === false) break;
    await say(credit(65_536));
  }
  t.false(piece(65_536));
  t.true(sentBytes() < 2 ** 20 + windowBytes);
  theirs.resume();
  await say(credit(65_536));
  t.true(sentBytes() > 0);
});

test('CREDIT of another length, and for a call that has ended, is skipped', async t => {
  const {say, told, reply} = await begin(t);
  await say(frameOf(frame.credit, 1, 'abc'), frameOf(frame.credit, 7, Buffer.alloc(4)), resultOf(1, {json: '1'}), credit(1));
  t.like(await reply, {status: 200, json: '1'});
  t.deepEqual(told, []);
});

test('a body that breaks off is the fault of its call, which is cancelled', async t => {
  const {taker, reply, ofType, say, ends, settled} = await begin(t);
  taker?.failed(new Fault('BODY_TOO_LARGE'));
  t.like(await reply, {code: 'BODY_TOO_LARGE'});
  await settled();
  t.is(ofType(frame.cancel).length, 1);
  t.deepEqual(ends, [], 'its place is taken until the function is done');
  await say(frameOf(19, 1));
  t.like(ends, {length: 1, 0: {isOver: true}});
});

test('a call that is too late is cancelled when its function may wait for the rest', async t => {
  const {clock, reply, ofType, source, settled} = await begin(t);
  clock.advance(1000);
  t.like(await reply, {code: 'UPSTREAM_TIMEOUT'});
  await settled();
  t.is(ofType(frame.cancel).length, 1);
  t.true(source.isDropped);
});

test('a reply may come before the body is whole: nobody takes the rest', async t => {
  const {piece, say, reply, source, sentBytes} = await begin(t);
  piece(5);
  await say(resultOf(1, {form: 1, body: 'hi'}));
  t.like(await reply, {status: 200});
  t.true(source.isDropped);
  piece(5);
  await say();
  t.is(sentBytes(), 5);
});

test('a process that ends drops the bodies on their way to it', async t => {
  const {channel, reply, source} = await begin(t);
  channel.destroy(new Fault('UPSTREAM_LOST'));
  t.like(await reply, {code: 'UPSTREAM_LOST'});
  t.true(source.isDropped);
});

test('the CALL says that its body is to come, its sender is asked for it, and an empty BODY is its end', async t => {
  const {taker, piece, settled, frames, interim} = await begin(t);
  piece(5);
  taker?.end([]);
  await settled();
  t.deepEqual(interim, [100]);
  const [call, ...bodies] = frames;
  t.is(call?.payload.readUInt32BE(5), 0xffff_ffff);
  t.is(call?.payload.readUInt32BE(1), (call?.payload.length ?? 0) - 9);
  t.deepEqual(
    bodies.map(({type, payload}) => [type, payload.toString()]),
    [
      [frame.body, 'xxxxx'],
      [frame.body, ''],
    ],
  );
});
