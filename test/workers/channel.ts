import test from 'ava';
import type {ChannelReply} from '../../src/runtime.ts';
import {frameOf, openChannel, type Received, resultOf, turns} from '../helpers/channel.ts';
import {writtenEvent} from '../helpers/event.ts';

/** The JSON and the body of calls, put together from their frames. */
function callsOf(frames: readonly Received[]) {
  const runs = new Map<number, {form: number; jsonBytes: number; bytes: Buffer}>();
  for (const {type, call, payload} of frames) {
    if (type === 1) runs.set(call, {form: payload[0] as number, jsonBytes: payload.readUInt32BE(1), bytes: payload.subarray(9)});
    const run = runs.get(call);
    if (type === 2 && run) run.bytes = Buffer.concat([run.bytes, payload]);
  }
  return [...runs.values()].map(({form, jsonBytes, bytes}) => ({
    form,
    json: JSON.parse(bytes.toString('utf8', 0, jsonBytes)),
    body: bytes.subarray(jsonBytes),
  }));
}

const content = (reply: unknown) => {
  const {content: some} = reply as ChannelReply;
  return some && [some.isText, some.body.toString('latin1')];
};

test('a CALL carries the event without its body, and the body as bytes', async t => {
  const {send, frames} = openChannel(t);
  await send({event: writtenEvent('"é\n'), trace: {traceparent: '00-a'}});
  await send({event: writtenEvent(Buffer.from([0xff, 0]), 'bytes')});
  await send({event: writtenEvent('aGk=', 'base64')});
  t.deepEqual(
    frames.map(({type, call}) => [type, call]),
    [
      [1, 1],
      [1, 2],
      [1, 3],
    ],
  );
  const event = {path: '/é'};
  t.deepEqual(callsOf(frames), [
    {form: 0, json: {event, context: {trace: {traceparent: '00-a'}}}, body: Buffer.from('"é\n')},
    {form: 1, json: {event, context: {trace: {}}}, body: Buffer.from([0xff, 0])},
    {form: 2, json: {event, context: {trace: {}}}, body: Buffer.from('aGk=')},
  ]);
});

test('long bodies go in pieces of 64 KiB, in turn with others, and hold no short call up', async t => {
  const {send, frames} = openChannel(t);
  const long = Buffer.alloc(1_000_000, 'a');
  const sent = [send({event: writtenEvent(long)}), send({event: writtenEvent(long)}), send()];
  await Promise.all(sent);
  while (frames.reduce((sum, {payload}) => sum + payload.length, 0) < 2_000_000) await turns();
  const pieces = frames.filter(({type}) => type === 2);
  t.true(pieces.every(({payload}) => payload.length <= 65_536));
  t.deepEqual(
    pieces.slice(0, 4).map(({call}) => call),
    [1, 2, 1, 2],
  );
  t.true(frames.findIndex(({call}) => call === 3) < 5);
  t.deepEqual(
    callsOf(frames).map(({body}) => body.length),
    [1_000_000, 1_000_000, 0],
  );
});

test('JSON that is longer than a frame goes on in further frames', async t => {
  const {send, frames} = openChannel(t);
  const path = 'é'.repeat(700_000);
  await send({event: {...writtenEvent('hi'), start: `{"event":{"path":"${path}"`}});
  while (frames.reduce((sum, {payload}) => sum + payload.length, 0) < 1_400_000) await turns();
  const [sent] = callsOf(frames);
  t.is(sent?.json.event.path, path);
  t.is(String(sent?.body), 'hi');
});

test('a call that its caller left is not sent to its end', async t => {
  const {send, say, frames, ofType} = openChannel(t);
  const caller = new AbortController();
  const sending = send({event: writtenEvent(Buffer.alloc(5_000_000)), signal: caller.signal});
  caller.abort();
  await sending;
  for (let turn = 0; turn < 20; turn++) await turns();
  t.is(ofType(3).length, 1);
  t.like((await sending).ends, {length: 1, 0: {mayRun: false, isOver: true}}, 'its place is free at once');
  await say(frameOf(19, 1));
  t.is((await sending).ends.length, 1);
  t.true(frames.reduce((sum, {payload}) => sum + payload.length, 0) < 1_000_000);
});

const forms: [title: string, bytes: Buffer, reply: Partial<ChannelReply>, content?: [boolean, string]][] = [
  ['nothing', resultOf(1, {}), {status: 200, json: undefined, content: undefined}],
  ['JSON', resultOf(1, {json: '{"a":"é"}'}), {status: 200, json: '{"a":"é"}', content: undefined}],
  ['a text', resultOf(1, {form: 1, body: 'hi'}), {status: 200, json: undefined}, [true, 'hi']],
  ['an empty text', resultOf(1, {form: 1}), {status: 200, json: undefined}, [true, '']],
  ['a text that is no UTF-8', resultOf(1, {form: 1, body: Buffer.from([0xff])}), {status: 200}, [false, '\xff']],
  ['bytes', resultOf(1, {form: 2, body: Buffer.from([0xff, 0])}), {status: 200}, [false, '\xff\0']],
  ['an envelope with a text', resultOf(1, {form: 1, json: '{"statusCode":201}', body: 'hi'}), {json: '{"statusCode":201}'}, [true, 'hi']],
  ['an envelope with bytes', resultOf(1, {form: 2, json: '{}', body: 'hi'}), {json: '{}'}, [false, 'hi']],
  ['an error', frameOf(20, 1, 'no luck'), {status: 500, json: 'no luck'}],
  [
    'a reply of unknown length',
    Buffer.concat([resultOf(1, {form: 1, bodyBytes: 0xffff_ffff, body: 'a'}), frameOf(18, 1, 'b'), frameOf(19, 1)]),
    {status: 200},
    [true, 'ab'],
  ],
  [
    'an error within a reply',
    Buffer.concat([resultOf(1, {form: 1, bodyBytes: 9, body: 'a'}), frameOf(20, 1, 'no luck')]),
    {status: 500, json: 'no luck'},
  ],
];

for (const [title, bytes, reply, body] of forms) {
  test(`reads ${title}, in one piece, and byte by byte, behind frames of unknown types`, async t => {
    const unknown = Buffer.concat([frameOf(99, 1, 'x'.repeat(300)), frameOf(98, 77)]);
    for (const pieces of [[bytes], [unknown, bytes], [...Buffer.concat([unknown, bytes])].map(byte => Buffer.of(byte))]) {
      const {send, say, told} = openChannel(t);
      const sent = await send();
      await say(...pieces);
      const got = await sent.reply;
      t.like(got, reply);
      if (body) t.deepEqual(content(got), body);
      t.like(sent.ends, {length: 1, 0: {isOver: true, answered: true}});
      t.deepEqual(told, []);
    }
  });
}

test('replies come in any order, many in one piece', async t => {
  const {send, say} = openChannel(t);
  const sent = [await send(), await send(), await send()];
  await say(
    Buffer.concat([
      resultOf(3, {json: '3'}),
      resultOf(1, {form: 1, bodyBytes: 2, body: 'a'}),
      resultOf(2, {json: '2'}),
      frameOf(18, 1, 'b'),
    ]),
  );
  const replies = (await Promise.all(sent.map(({reply}) => reply))) as ChannelReply[];
  t.deepEqual(
    replies.map(({json}) => json),
    [undefined, '2', '3'],
  );
  t.deepEqual(content(replies[0]), [true, 'ab']);
});

test('a long reply gets credit at once where there is room', async t => {
  const {send, say, ofType} = openChannel(t);
  const body = Buffer.alloc(1_000_000, 'z');
  const {reply} = await send();
  await say(resultOf(1, {form: 2, bodyBytes: body.length, body: body.subarray(0, 262_144)}));
  t.deepEqual(
    ofType(4).map(({call, payload}) => [call, payload.readUInt32BE()]),
    [[1, 1_000_000 - 262_144]],
  );
  for (let at = 262_144; at < body.length; at += 65_536) await say(frameOf(18, 1, body.subarray(at, at + 65_536)));
  t.true(((await reply) as ChannelReply).content?.body.equals(body));
});

test('a reply of unknown length gets credit as it is taken', async t => {
  const {send, say, ofType} = openChannel(t);
  const {reply} = await send();
  await say(resultOf(1, {form: 2, bodyBytes: 0xffff_ffff}));
  for (let piece = 0; piece < 10; piece++) await say(frameOf(18, 1, Buffer.alloc(65_536, 'z')));
  const granted = 262_144 + ofType(4).reduce((sum, {payload}) => sum + payload.readUInt32BE(), 0);
  t.true(granted >= 655_360 + 131_072 && granted <= 655_360 + 262_144, `${granted}`);
  await say(frameOf(19, 1));
  t.is(((await reply) as ChannelReply).content?.body.length, 655_360);
});

test('a number that is open is not given again', async t => {
  const {send, frames, say} = openChannel(t);
  await send();
  await send();
  await say(resultOf(2, {json: '1'}));
  await send();
  t.deepEqual(
    frames.map(({call}) => call),
    [1, 2, 3],
  );
});

test('a number comes again only after its call has ended, however many calls there were', async t => {
  const {send, frames, say} = openChannel(t, {concurrency: 2});
  await send(); // stays open
  for (let number = 2; number < 20; number++) {
    const {reply} = await send();
    const {call} = frames.at(-1) as Received;
    await say(resultOf(call, {json: String(call)}));
    t.like(await reply, {json: String(call)});
  }
  const numbers = frames.map(({call}) => call);
  t.is(new Set(numbers).size, numbers.length);
});
