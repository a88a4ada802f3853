import test from 'ava';
import {Fault} from '../../src/errors.ts';
import {NotSent, type RuntimeCall, type RuntimeReply} from '../../src/runtime.ts';
import type {CallEnd, Hop} from '../../src/workers/hop/hop.ts';
import {Member} from '../../src/workers/pool/member.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {writtenEvent} from '../helpers/event.ts';
import {runtimeReply} from '../helpers/fakes.ts';
import {quietHop, whole} from '../helpers/pool.ts';

const lost = (message: string) => new Fault('UPSTREAM_LOST', {message});

/** A member in which the test says how calls go on; one place is taken and its call is sent. */
function openMember(some: Partial<RuntimeCall> = {}, isEnding = () => false, timeoutMs = 5000, concurrency = 1, reportsEnds = true) {
  const clock = new ManualClock();
  const told: string[] = [];
  const reply = Promise.withResolvers<RuntimeReply>();
  let ended: (end: CallEnd) => void = () => {};
  const upstream: Hop = {
    ...quietHop,
    send(_call: RuntimeCall, onEnd: (end: CallEnd) => void) {
      ended = onEnd;
      return reply.promise;
    },
    destroy: () => void told.push('destroyed'),
  };
  const member = new Member({
    upstream,
    address: {host: '127.0.0.1', port: 1},
    concurrency,
    timeoutMs,
    clock,
    reportsEnds,
    onStuck: () => void told.push('stuck'),
    onAnswered: () => void told.push('answered'),
    isEnding,
  });
  const call: RuntimeCall = {
    invocationId: 'id-1',
    event: writtenEvent(),
    deadlineMs: 0,
    deadline: 5000,
    timeoutMs: 5000,
    signal: undefined,
    trace: undefined,
    ...some,
  };
  const place = member.take(0);
  const sent = place.send(call, () => void told.push('ended'));
  sent.catch(() => {});
  const end = (how: Partial<CallEnd> = {}) => ended({...whole, ...how});
  /** One more call, which ends so at once. */
  const again = (how: Partial<CallEnd>) => {
    void member.take(0).send({...call, invocationId: 'id-2'}, () => {});
    end(how);
  };
  return {clock, told, member, sent, reply, end, again};
}

test('a place is taken until its call ends, once', t => {
  const {member, end, told} = openMember();
  t.true(member.isFull);
  end();
  end();
  t.is(member.active, 0);
  t.deepEqual(told, ['ended']);
});

test('a call past its deadline keeps its place until the sub-runtime is done with it', async t => {
  const {member, clock, sent, reply, end, told} = openMember();
  await clock.advance(5000);
  reply.reject(new Fault('UPSTREAM_TIMEOUT'));
  await t.throwsAsync(sent, {code: 'UPSTREAM_TIMEOUT'});
  t.true(member.isFull);
  await clock.advance(999);
  end();
  t.false(member.isFull);
  await clock.advance(60_000);
  t.deepEqual(told, ['ended']);
});

test('a call that does not end within a second of its deadline is stuck, which is reported once', async t => {
  const {clock, reply, told, member} = openMember();
  await clock.advance(5000);
  reply.reject(new Fault('UPSTREAM_TIMEOUT'));
  await clock.advance(999);
  t.deepEqual(told, []);
  await clock.advance(1);
  t.deepEqual(told, ['stuck']);
  await clock.advance(60_000);
  t.deepEqual(told, ['stuck']);
  t.true(member.isFull);
});

test('a caller that waits for less time than a call may take does not make its process a stuck one', async t => {
  const {clock, reply, told, member} = openMember({deadline: 100}, () => false, 10_000);
  await clock.advance(100);
  reply.reject(new Fault('UPSTREAM_TIMEOUT'));
  await clock.advance(10_899);
  t.deepEqual(told, []);
  t.false(member.isStuck);
  await clock.advance(1);
  t.deepEqual(told, ['stuck']);
  t.true(member.isStuck);
  t.true(member.servesNobody);
});

test('the watch on a call past its deadline ends with the call', async t => {
  const {clock, reply, end, member} = openMember({deadline: 100}, () => false, 300_000);
  await clock.advance(100);
  reply.reject(new Fault('UPSTREAM_TIMEOUT'));
  await settle();
  t.is(clock.pending, 1);
  end({answered: true});
  t.is(clock.pending, 0);
  t.false(member.isStuck);
});

test('the first answer is reported once, also if nobody waited for it any more', t => {
  const {member, told, again, end} = openMember();
  t.false(member.isFull && told.includes('answered'));
  end({answered: true});
  again({answered: true});
  again({});
  t.deepEqual(
    told.filter(each => each === 'answered'),
    ['answered'],
  );
});

test('a stuck process that answers others is trusted; a silent one rests, then gets a single call, until it answers', async t => {
  const {member, clock, again} = openMember({}, () => false, 5000, 10);
  await clock.advance(6000);
  again({answered: true});
  member.doubt();
  t.is(member.restMs, 0);
  await clock.advance(1001);
  member.doubt();
  t.is(member.restMs, 1000);
  await clock.advance(1000);
  t.is(member.restMs, 0);
  t.false(member.isFull);
  again({mayRun: false});
  t.false(member.isFull);
  member.take(0);
  t.true(member.isFull);
  again({answered: true});
  t.false(member.isFull);
});

test('that the host has no connection left says nothing about the process', async t => {
  const {clock, told, again, member} = openMember();
  for (let tries = 0; tries < 10; tries++) {
    again({mayRun: false, broke: true, byHost: true});
    t.is(member.restMs, 25);
    await clock.advance(25);
  }
  t.deepEqual(told, []);
});

/** The caller left, and its connection is closed. */
async function abandoned(reportsEnds = true) {
  const caller = new AbortController();
  const house = openMember({signal: caller.signal}, () => false, 5000, 1, reportsEnds);
  caller.abort();
  house.reply.reject(new Fault('CALLER_LEFT'));
  house.end();
  await settle();
  return house;
}

test('a call that was broken off keeps its place until the bridge says that it ended', async t => {
  const {member, told, clock} = await abandoned();
  t.true(member.isFull);
  member.settled('another');
  t.true(member.isFull);
  member.settled('id-1');
  t.false(member.isFull);
  member.settled('id-1');
  await clock.advance(60_000);
  t.deepEqual(told, ['ended']);
});

test('a call that was broken off and whose end is not reported is stuck a second after its deadline', async t => {
  const {clock, told} = await abandoned();
  await clock.advance(5999);
  t.deepEqual(told, []);
  await clock.advance(1);
  t.deepEqual(told, ['stuck']);
});

test('where ends are not reported, the place of a call that was broken off is free after the longest time of a call', async t => {
  const {member, clock, told} = await abandoned(false);
  await clock.advance(5999);
  t.true(member.isFull);
  await clock.advance(1);
  t.false(member.isFull);
  await clock.advance(60_000);
  t.deepEqual(told, ['ended'], 'that a caller left says nothing about the process');
});

test('a sub-runtime that has reported one end is expected to report every end', async t => {
  const {member, clock, told} = await abandoned(false);
  member.settled('another');
  await clock.advance(6000);
  t.deepEqual(told, ['stuck']);
});

test('a call past its deadline whose connection stays is stuck, also where ends are not reported', async t => {
  const {clock, reply, told} = openMember({}, () => false, 5000, 1, false);
  reply.reject(new Fault('UPSTREAM_TIMEOUT'));
  await clock.advance(6000);
  t.deepEqual(told, ['stuck']);
});

test('a call that was broken off ends with its process', async t => {
  const {member, told, clock} = await abandoned();
  member.destroy(lost('it exited'));
  t.deepEqual(told, ['destroyed', 'ended']);
  await clock.advance(60_000);
  t.deepEqual(told, ['destroyed', 'ended']);
});

for (const reportsEnds of [true, false]) {
  const sub = reportsEnds ? 'one of our bridges' : 'a foreign sub-runtime that tells ends';
  test(`a caller that leaves before its request was sent whole never makes ${sub} a stuck one`, async t => {
    const caller = new AbortController();
    const {member, told, clock, reply, end} = openMember({signal: caller.signal}, () => false, 5000, 1, reportsEnds);
    member.settled('another');
    caller.abort();
    reply.reject(new Fault('CALLER_LEFT'));
    end({sentWhole: false});
    await settle();
    t.is(member.isFull, !reportsEnds, 'a foreign one may have begun with the call');
    await clock.advance(6000);
    t.false(member.isFull);
    t.deepEqual(told, ['ended']);
    t.is(clock.pending, 0);
  });
}

test('a call past its deadline whose request was never read whole ends as its caller leaves', async t => {
  const caller = new AbortController();
  const {member, told, clock, reply, end} = openMember({signal: caller.signal});
  await clock.advance(5000);
  reply.reject(new Fault('UPSTREAM_TIMEOUT'));
  await settle();
  caller.abort();
  end({sentWhole: false});
  t.false(member.isFull);
  await clock.advance(60_000);
  t.deepEqual(told, ['ended']);
});

test('a call that was never sent ends at once, although its caller left', async t => {
  const caller = new AbortController();
  const {member, end} = openMember({signal: caller.signal});
  caller.abort();
  end({mayRun: false});
  t.false(member.isFull);
});

test('it is quiet when nobody waits for a call in it, also if calls still run', async t => {
  const {member, reply, clock} = openMember();
  let isQuiet = false;
  void member.quiet().then(() => {
    isQuiet = true;
  });
  await settle();
  t.false(isQuiet);
  await clock.advance(5000);
  reply.reject(new Fault('UPSTREAM_TIMEOUT'));
  await settle();
  t.true(isQuiet);
  const idle = openMember();
  idle.reply.resolve(runtimeReply('{}'));
  idle.end();
  await t.notThrowsAsync(idle.member.quiet());
});

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
