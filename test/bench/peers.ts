import test from 'ava';
import {Peers} from '../../bench/peers.ts';

test('a peer that cannot be had is not measured, and says why, once', async t => {
  await using stack = new AsyncDisposableStack();
  const {PATH} = process.env;
  process.env.PATH = '/nowhere'; // neither the peer nor what would build it; no other test of this file starts anything
  t.teardown(() => {
    process.env.PATH = PATH;
  });
  const peers = new Peers(stack);
  t.is(await peers.find('of-watchdog'), undefined);
  t.is(await peers.find('of-watchdog'), undefined);
  t.deepEqual([...peers.missing], [['of-watchdog', 'not measured: of-watchdog is not installed (Error: spawn go ENOENT)']]);
});

test('a peer that is not wanted is left out without a message', async t => {
  await using stack = new AsyncDisposableStack();
  const peers = new Peers(stack, ['nginx']);
  t.is(await peers.find('functions-framework'), undefined);
  t.is(peers.missing.size, 0);
});
