import type {ExecutionContext} from 'ava';
import {namer} from '../../src/journals/named.ts';
import {Reading} from '../../src/journals/nats/reading.ts';
import {subjectsOf} from '../../src/journals/nats/subjects.ts';
import type {Message, Transport} from '../../src/journals/nats/transport.ts';
import {Board} from '../../src/journals/nats/work/board.ts';
import {type Item, storedOf, writeItem} from '../../src/journals/nats/work/item.ts';
import {Writing} from '../../src/journals/nats/writing.ts';
import {ManualClock} from './clock.ts';

/* The board of work of a core, and servers that it hears. */

/** Servers of which a test says what they send. */
export function servers() {
  let hear: (message: Message) => void = () => {};
  let stops: (message: Message) => void = () => {};
  let broken = () => {};
  let mark = '';
  const counts = {begun: 0, sent: 0};
  const transport: Transport = {
    mostBytes: 2 ** 20,
    isConnected: true,
    server: {name: 'n', version: '2.15.3', level: 5, peers: 1, hasJetStream: true},
    request: async subject => {
      if (subject.startsWith('$JS.API.CONSUMER.CREATE')) {
        counts.begun++;
        counts.sent = 0;
      } else mark = subject;
      return {subject: '', reply: '', code: 0, field: () => '', body: Buffer.from('{"seq": 50}')};
    },
    publish() {},
    gather: () => Promise.reject(new Error('nothing is read')),
    subscribe: (subject, to) => {
      if (subject.startsWith('_INBOX')) hear = to;
      else stops = to;
      return () => {};
    },
    onChange() {},
    onBreak(tell) {
      broken = tell;
    },
    change: async () => false,
    close: async () => {},
  };
  const end = (id: string, sequence: number) => {
    const reply = `$JS.ACK.CORE_shop.consumer.1.${sequence}.${++counts.sent}.0.0`;
    hear({subject: `core.shop.j.w.${id}`, reply, code: 0, field: () => '', body: Buffer.from('')});
  };
  const told = (subject: string, sequence: number, body: Uint8Array) => {
    const reply = `$JS.ACK.CORE_shop.consumer.1.${sequence}.${counts.sent}.0.7`;
    hear({subject, reply, code: 0, field: () => '', body});
  };
  /** @param isLast the core has written its mark before, and hears it afterwards */
  const send = (each: Item, isLast: boolean, lost = 0) => {
    counts.sent += 1 + lost;
    told(`core.shop.j.w.${each.id}`, each.sequence, writeItem(storedOf(each)));
    if (!isLast) return;
    counts.sent++;
    told(mark, 50, Buffer.from(''));
  };
  const place = (each: Item) => {
    counts.sent++;
    told(`core.shop.o.${each.id}`, each.sequence, writeItem(storedOf(each)));
  };
  const beat = () =>
    hear({
      subject: '',
      reply: '',
      code: 100,
      field: name => (name === 'Nats-Last-Consumer' ? `${counts.sent}` : ''),
      body: Buffer.from(''),
    });
  const ask = (id: string) => stops({subject: '', reply: '', code: 0, field: () => '', body: Buffer.from(id)});
  return {transport, counts, send, place, end, ask, beat, breakOff: () => broken()};
}

export function boardOf(t: ExecutionContext, transport: Transport, clock = new ManualClock()): Board {
  const subjects = subjectsOf('shop');
  const patience = {clock, closing: new AbortController().signal};
  const [reading, writing] = [new Reading(transport, subjects, patience), new Writing(transport, patience)];
  const commits = {patience, reading, writing, named: namer('me')};
  const cores = {leaseMs: 0, isAlive: async () => true};
  const board = new Board({transport, subjects, commits, cores, core: 'me', after: (ms, fire) => clock.after(ms, fire)});
  t.teardown(() => board.end());
  return board;
}
