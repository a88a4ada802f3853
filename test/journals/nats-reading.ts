import test from 'ava';
import {Reading} from '../../src/journals/nats/reading.ts';
import {subjectsOf} from '../../src/journals/nats/subjects.ts';
import type {Message, Transport} from '../../src/journals/nats/transport.ts';
import {ManualClock} from '../helpers/clock.ts';
import {servers} from '../helpers/nats-board.ts';

/* What is read from servers that do not tell all. */

const said = (code: number): Message => ({subject: '', reply: '', code, field: () => '', body: Buffer.from('')});
const told = (subject: string, sequence: number): Message => ({
  ...said(0),
  field: name => ({'Nats-Subject': subject, 'Nats-Sequence': `${sequence}`, 'Nats-Time-Stamp': '2026-01-01T00:00:00Z'})[name] ?? '',
});

test('a server that breaks off in the middle has not said that there is nothing more', async t => {
  let asked = 0;
  const transport: Transport = {
    ...servers().transport,
    gather: async (_, body) => {
      const [, barrier = ''] = JSON.parse(body).multi_last;
      return ++asked === 1 ? [told(barrier, 50), said(404)] : [told('core.shop.j.w.a', 7), told(barrier, 50), said(204)];
    },
  };
  const clock = new ManualClock();
  const reading = new Reading(transport, subjectsOf('shop'), {clock, closing: new AbortController().signal});
  const newest = reading.lastNow('core.shop.j.w.a');
  await clock.advance(100);
  t.is((await newest)?.sequence, 7);
  t.is(asked, 2);
});
