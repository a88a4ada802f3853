import test from 'ava';
import {readPayload} from '../../src/journals/nats/payloads.ts';
import type {Kept, Reading} from '../../src/journals/nats/reading.ts';
import {subjectsOf} from '../../src/journals/nats/subjects.ts';

/* Requests and replies in several pieces, as a leader has them that was deposed, and as they are now. */

const piece = (appendId: string, body: string): Kept => ({
  subject: '',
  sequence: 1,
  storedAt: 0,
  appendId,
  field: () => '3',
  body: Buffer.from(body),
});
const now = [piece('new', 'one '), piece('new', 'two '), piece('new', 'three')];

/** @param old the pieces as the leader says @param newest the pieces as they are */
async function read(old: readonly (Kept | undefined)[], newest: readonly (Kept | undefined)[]) {
  const numberOf = (subject: string) => Number(subject.slice(subject.lastIndexOf('.') + 1));
  const reading = {
    last: async (subject: string) => old[numberOf(subject)],
    lastNow: async (subject: string) => newest[numberOf(subject)],
  } as unknown as Reading; // as far as it is used
  const bytes = await readPayload(reading, subjectsOf('shop'), 'invocation.a/request');
  return bytes && Buffer.from(bytes).toString();
}

test('pieces that a leader does not have are asked for as of now', async t => {
  t.is(await read(now, []), 'one two three');
  t.is(await read([now[0]], now), 'one two three');
  t.is(await read([], now), 'one two three');
});

test('pieces of another payload than the first are read again, all as of now', async t => {
  t.is(await read([now[0], piece('old', '?'), piece('old', '?')], now), 'one two three');
  t.is(await read([piece('old', '?'), now[1], now[2]], now), 'one two three');
});

test('a payload that is not whole as of now is not there', async t => {
  t.is(await read([], []), undefined);
  t.is(await read(now.slice(0, 2), now.slice(0, 2)), undefined);
});
