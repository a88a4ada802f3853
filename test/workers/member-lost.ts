import test from 'ava';
import {NotSent} from '../../src/runtime.ts';
import {settle} from '../helpers/clock.ts';
import {lost, openMember} from '../helpers/member.ts';

test('a call whose connection broke off learns why the process ended', async t => {
  const {member, sent, reply, end} = openMember();
  end({broke: true});
  reply.reject(lost('went away'));
  await settle();
  member.destroy(lost('The sub-runtime exited with code 1 during the call'));
  await t.throwsAsync(sent, {code: 'UPSTREAM_LOST', message: 'The sub-runtime exited with code 1 during the call'});
});

test('when the process lives on, its callers soon get the broken connection as the reason', async t => {
  const {sent, reply, end, clock, member} = openMember();
  end({broke: true});
  reply.reject(lost('went away'));
  t.is(member.restMs, 25);
  const told = t.throwsAsync(sent, {code: 'UPSTREAM_LOST', message: 'went away'});
  await clock.advance(25);
  t.is(member.restMs, 0);
  await clock.advance(225);
  await told;
});

test('while the system ends its process, callers wait for the reason, and no call is sent there', async t => {
  const {sent, reply, end, clock, member} = openMember({}, () => true);
  end({broke: true});
  reply.reject(lost('went away'));
  await clock.advance(3000);
  t.true(member.restMs > 0);
  member.destroy(lost('The sub-runtime was ended by SIGKILL during the call'));
  await t.throwsAsync(sent, {message: 'The sub-runtime was ended by SIGKILL during the call'});
  t.is(clock.pending, 0);
});

test('the wait for a process that never ends is bounded', async t => {
  const {sent, reply, end, clock} = openMember({}, () => true);
  end({broke: true});
  reply.reject(lost('went away'));
  const told = t.throwsAsync(sent, {message: 'went away'});
  await clock.advance(250);
  await clock.advance(5000);
  await told;
});

test('a call that was not sent does not wait for a reason', async t => {
  const {sent, reply, end, clock} = openMember();
  end({mayRun: false, broke: true});
  reply.reject(new NotSent('refused'));
  await t.throwsAsync(sent, {instanceOf: NotSent});
  t.is(clock.pending, 0);
});

test('a process that refuses connections again after its rest, and does not end, is stuck', async t => {
  for (const [isEnding, reachedBetween, expected] of [
    [false, false, ['stuck']],
    [true, false, []],
    [false, true, []],
  ] as const) {
    const {clock, told, again} = openMember({}, () => isEnding);
    again({mayRun: false, broke: true});
    await clock.advance(24);
    again({mayRun: false, broke: true});
    t.false(told.includes('stuck'));
    if (reachedBetween) again({mayRun: true});
    await clock.advance(1);
    again({mayRun: false, broke: true});
    t.deepEqual(
      told.filter(each => each === 'stuck'),
      expected,
    );
  }
});

test('a process that lost its listener gets no calls again when an earlier call in it ends well', async t => {
  const {clock, member, again, end} = openMember({}, () => false, 5000, 10);
  again({mayRun: false, broke: true});
  await clock.advance(25);
  again({mayRun: false, broke: true});
  t.true(member.isDeaf && member.isStuck && member.servesNobody);
  end({answered: true});
  t.true(member.isDeaf && member.isStuck && member.servesNobody);
});

test('a call that was never to be sent says nothing about the listener', async t => {
  const {clock, told, again} = openMember();
  again({mayRun: false});
  await clock.advance(60_000);
  again({mayRun: false, broke: true});
  t.false(told.includes('stuck'));
});
