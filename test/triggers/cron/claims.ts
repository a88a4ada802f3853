import test from 'ava';
import type {Fact} from '../../../src/facts.ts';
import {type Journal, RevisionConflict} from '../../../src/journal.ts';
import {Claims} from '../../../triggers/cron/claims.ts';
import {fakeHouse} from '../../helpers/fakes.ts';

const hour = 3_600_000;
const hourly = {
  name: 'hourly',
  cron: '0 * * * *',
  timezone: 'UTC',
  input: '{}',
  catchUp: 1,
  overlap: 'allow',
  jitterMs: 0,
  delivery: 'call',
} as const;

test('a claim that failed is made again under its id; of very many those tried longest ago are forgotten', async t => {
  const ids: string[] = [];
  const append: Journal['append'] = async (_stream, [fact]) => {
    if (fact.type !== 'schedule.fired') return t.fail();
    ids.push(fact.data.invocationId);
    throw new Error('the disk is full');
  };
  const house = fakeHouse();
  house.journal.append = append;
  const claims = new Claims(house, hourly);
  const take = (occurrence: number) => t.throwsAsync(claims.take(occurrence), {message: 'the disk is full'});
  for (let nth = 0; nth < 1000; nth++) await take(nth * hour);
  await take(0);
  t.is(ids.at(-1), ids[0]);
  await take(1000 * hour);
  await take(0);
  t.is(ids.at(-1), ids[0], 'it was tried again just now');
  await take(hour);
  t.not(ids.at(-1), ids[1]);
});

test('what a core that stood still has ended just before it is taken over is not run again, nor what it ends just after', async t => {
  const house = fakeHouse();
  const [still, other] = [new Claims({...house, core: 'still'}, hourly), new Claims({...house, core: 'other'}, hourly)];
  const settled: Fact = {type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 1}};
  const taken = async (occurrence: number) => {
    const claimed = await still.take(occurrence);
    if (!('held' in claimed)) throw new TypeError('Expected a claim');
    return {held: claimed.held, stream: `invocation.${claimed.held.claim.invocationId}`};
  };

  const before = await taken(0);
  t.false(await other.isSettled(before.held.claim));
  await house.journal.append(before.stream, [settled]);
  t.false('held' in (await other.takeOver(before.held)));

  const after = await taken(hour);
  await house.journal.append(after.stream, [{type: 'attempt.started', data: {attempt: 1, epoch: 1}}]);
  const again = await other.takeOver(after.held);
  const revision = 'held' in again ? again.held.revision : undefined;
  t.is(revision, (await house.journal.last(after.stream))?.position);
  await house.journal.append(after.stream, [settled]);
  await t.throwsAsync(house.journal.append(after.stream, [settled], {expect: revision ?? 0}), {instanceOf: RevisionConflict});
  t.is(await other.takeAgain('held' in again ? again.held : after.held), undefined, 'it is over');
});

test('whose a claim is that was refused is asked as of now, as a leader that was deposed has old answers', async t => {
  const house = fakeHouse();
  const {journal} = house;
  const [append, last] = [journal.append.bind(journal), journal.last.bind(journal)];
  journal.last = async (stream, options) => (options?.now ? last(stream, options) : undefined);
  journal.append = async (...given) => {
    await append(...given);
    throw new Error('no server answered in time');
  };
  const claims = new Claims(house, hourly);
  await t.throwsAsync(claims.take(0), {message: 'no server answered in time'});
  journal.append = append;
  t.true('held' in (await claims.take(0)), 'the claim that seemed to fail is its own');
  const other = await new Claims({...house, core: 'other'}, hourly).take(0);
  t.is('by' in other ? other.by?.claim.core : undefined, house.core, 'the other core knows whom to outlive');
  t.true(await claims.miss({count: 1, reason: 'down'}, hour, hour));
  t.true('held' in (await claims.take(hour)), 'what was only noted as missed is free');
});
