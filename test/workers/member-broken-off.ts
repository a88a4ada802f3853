import test from 'ava';
import {Fault} from '../../src/errors.ts';
import {settle} from '../helpers/clock.ts';
import {lost, openMember} from '../helpers/member.ts';

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
