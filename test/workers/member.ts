import test from 'ava';
import {Fault} from '../../src/errors.ts';
import {settle} from '../helpers/clock.ts';
import {runtimeReply} from '../helpers/fakes.ts';
import {openMember} from '../helpers/member.ts';

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
