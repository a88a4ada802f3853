import test from 'ava';
import {nats} from '../../triggers/nats/index.ts';

const url = 'nats://localhost:4222';
const refused: [title: string, entry: Record<string, unknown>, problem: RegExp][] = [
  ['without an address', {subject: 'orders'}, /^`url`: expected the address of a server, such as nats:\/\/localhost:4222, or a list/],
  [
    'with another kind of address',
    {url: [url, 'http://x'], subject: 'orders'},
    /^`url`: expected each address to begin with nats:\/\/ or tls:\/\/$/,
  ],
  ['without stream and subject', {url}, /^`subject`: expected a subject, such as orders\.\*, or `stream`/],
  ['with a stream that is a subject', {url, stream: 'orders.*'}, /^`stream`: expected a name without spaces/],
  ['with a consumer that has a space', {url, stream: 'orders', consumer: 'a b'}, /^`consumer`: expected a name without spaces/],
  ['with attempts and no place for what fails', {url, stream: 'orders', attempts: 3}, /^`deadLetter`: expected a subject/],
  [
    'with dead letters for many subjects',
    {url, stream: 'orders', deadLetter: 'dead.>'},
    /^`deadLetter`: expected a subject without \*, > and spaces$/,
  ],
  [
    'with two ways to sign in',
    {url, subject: 'a', user: 'u', password: 's3cret', token: 's3cret'},
    /^`user`, `token`, `credentials`: expected one of them$/,
  ],
  ['with a password alone', {url, subject: 'a', password: 's3cret'}, /^`user`: expected one with `password`$/],
  ['with a queue beside a stream', {url, stream: 'orders', queue: 'shop'}, /^`queue` is not known/],
];
for (const [title, entry, message] of refused) {
  test(`an entry for NATS ${title} is refused, without its secrets`, t => {
    const error = t.throws(() => nats.read(entry), {message});
    t.notRegex(String(error), /s3cret/);
  });
}

test('an entry for NATS is a stream, or a queue group', t => {
  t.like(nats.read({url, stream: 'orders', lease: '5s'}).own, {
    stream: {name: 'orders', consumer: 'core-runtime', from: 'all', leaseMs: 5000},
  });
  t.like(nats.read({url: [url], subject: 'orders.>'}).own, {address: {servers: [url]}, core: {subject: 'orders.>', queue: 'core-runtime'}});
});
