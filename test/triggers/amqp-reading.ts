import {PassThrough} from 'node:stream';
import test from 'ava';
import {type Reader, readWhileRoom} from '../../triggers/amqp/reading.ts';
import {settle} from '../helpers/clock.ts';

/** What reads as the client does, of which the test says how much room there is. */
function place(bytes: number) {
  const [stream, closing, read] = [new PassThrough({highWaterMark: 10}), new AbortController(), [] as string[]];
  const reader = {stream, recvSinceLastCheck: false} as unknown as Reader;
  let [room, wake] = [bytes, () => {}];
  readWhileRoom(reader, {
    signal: closing.signal,
    roomBytes: () => Math.max(0, room),
    async room() {
      while (room <= 0 && !closing.signal.aborted) {
        await new Promise<void>(resolve => {
          wake = resolve;
        });
      }
      return room;
    },
  });
  stream.on('readable', () => {
    for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) {
      read.push(String(chunk));
      room -= chunk.length;
    }
  });
  const free = (more: number) => {
    room += more;
    wake();
    return settle();
  };
  const close = () => {
    closing.abort();
    wake();
    return settle();
  };
  return {stream, reader, read, free, close};
}

test('nothing is read while bytes have no room, and then it goes on', async t => {
  const {stream, read, free} = place(5);
  stream.write('12345');
  await settle();
  stream.write('67');
  await settle();
  t.deepEqual(read, ['12345']);
  await free(1);
  t.deepEqual(read, ['12345', '67']);
  t.true(stream.write('8'));
  t.false(stream.write('1234567890'), 'the sender waits');
  await free(100);
  t.is(read.join(''), '123456781234567890');
});

test('while nothing is read, the broker counts as heard of', async t => {
  const {stream, reader, free} = place(5);
  t.false(reader.recvSinceLastCheck);
  stream.write('12345');
  stream.write('6');
  await settle();
  reader.recvSinceLastCheck = false;
  stream.emit('readable');
  t.true(reader.recvSinceLastCheck);
  await free(10);
  t.false(reader.recvSinceLastCheck);
  reader.recvSinceLastCheck = true;
  t.true(reader.recvSinceLastCheck);
});

test('a stop reads on, as what comes is given back', async t => {
  const {stream, read, close} = place(5);
  stream.write('12345');
  await settle();
  stream.write('67');
  await settle();
  await close();
  t.deepEqual(read, ['12345', '67']);
});
