import test from 'ava';
import {described, judge} from '../../bench/torture/judge.ts';
import type {Findings} from '../../bench/torture/phase.ts';
import {phases} from '../../bench/torture/phases/index.ts';

const harmless: Findings = {
  calls: 100,
  good: 100,
  badGateway: 0,
  unavailable: 0,
  late: 0,
  other: 0,
  refused: 0,
  hung: 0,
  lost: 0,
  goodShare: 1,
  slowestMs: 10,
  gapMs: 10,
  recoveryMs: 10,
  functions: 1,
  orphans: 0,
  zombies: 0,
  coreMiB: 100,
  groupMiB: 200,
  restMiB: 100,
  descriptors: 0,
  died: 0,
};

test('a finding past its bound breaks it, one on its bound does not', t => {
  const bounds = {most: {coreMiB: 256}, least: {goodShare: 0.5}};
  t.deepEqual(judge({...harmless, coreMiB: 256, goodShare: 0.5}, bounds), []);
  t.deepEqual(judge({...harmless, coreMiB: 256.125, goodShare: 0.25}, bounds), [
    'coreMiB 256.13, at most 256',
    'goodShare 0.25, at least 0.5',
  ]);
});

test('what was not found breaks its bound', t => {
  t.deepEqual(judge({...harmless, recoveryMs: Number.NaN}, {}), ['recoveryMs NaN, at most 15000']);
  t.deepEqual(judge(harmless, {most: {journalMiB: 56}}), ['journalMiB NaN, at most 56']);
});

test('lost and hung calls, orphans and zombies are bounds of every phase, unless it has others', t => {
  const found = {...harmless, hung: 1, lost: 2, orphans: 3, zombies: 4};
  t.is(judge(found, {}).length, 4);
  t.deepEqual(judge(found, {most: {lost: Number.POSITIVE_INFINITY, hung: 1, zombies: 9}}), ['orphans 3, at most 0']);
  t.is(described({most: {lost: Number.POSITIVE_INFINITY, hung: 1}}), 'any lost, hung at most 1');
});

test('each phase has a name of its own and bounds of its own', t => {
  t.is(new Set(phases.map(({name}) => name)).size, phases.length);
  for (const {name, bounds} of phases) t.not(described(bounds), '', name);
});
