import test from 'ava';
import {leaveMs, SilentHosts} from '../../../src/work/callback/silent-hosts.ts';
import {ManualClock} from '../../helpers/clock.ts';

test('a host that was silent is left alone, then tried once, until it answers', async t => {
  const clock = new ManualClock();
  const hosts = new SilentHosts(clock);
  hosts.silent('a');
  t.false(hosts.passes('a'));
  t.true(hosts.passes('b'));
  await clock.advance(leaveMs);
  t.true(hosts.passes('a'));
  t.false(hosts.passes('a'));
  hosts.heard('a');
  t.true(hosts.passes('a'));
});

test('hosts that nobody asks for any more are forgotten', async t => {
  const clock = new ManualClock();
  const hosts = new SilentHosts(clock);
  for (let number = 0; number < 100; number++) hosts.silent(`${number}.example.com`);
  await clock.advance(2 * leaveMs + 1);
  hosts.silent('a');
  t.is(hosts.size, 1);
});
