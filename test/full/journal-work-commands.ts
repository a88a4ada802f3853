import {writeFileSync} from 'node:fs';
import {dirname} from 'node:path';
import test from 'ava';
import {keyEvent, workEvent} from '../../src/work/cloud-event.ts';
import type {Claimed, WorkItem, WorkState} from '../../src/work.ts';
import {ManualClock} from '../helpers/clock.ts';
import {runCli} from '../helpers/core.ts';
import {hour, newFile, openFile} from '../helpers/sqlite-journal.ts';

/* Work that is exported and imported by commands. */

const limits = {attempts: 8, deaths: 3};

test('work that is not over travels with its requests, and is taken over once, where that is asked for', async t => {
  const file = await newFile(t);
  const from = `${dirname(dirname(file))}/all.ndjson`;
  const clock = new ManualClock();
  const journal = await openFile(file, clock);
  const send = async (id: string, some: Partial<WorkItem> = {}) => {
    const data = {source: 'work', bytes: 1, attempt: 1, dataref: `invocation.${id}/request`};
    const payloads = [{name: data.dataref, bytes: Buffer.from(id)}];
    const item = {id, acceptedAt: clock.now(), due: clock.now(), ...some};
    await journal.work.enqueue(item, {facts: [{type: 'invocation.accepted', data}], payloads, most: 99});
    await clock.advance(1);
  };
  const settled = (outcome: 'responded' | 'dead-lettered') =>
    [{type: 'invocation.settled', data: {outcome, status: 200, durationMs: 1}}] as const;
  const take = async () => (await journal.work.claim(1, limits))[0] as Claimed;
  await send('over');
  await journal.work.settle(await take(), {facts: settled('responded')});
  await send('dead');
  await journal.work.settle(await take(), {facts: settled('dead-lettered'), dead: {why: 'exhausted', class: 'error', status: 500}});
  await send('runs', {orderingKey: 'a'});
  await take();
  await send('behind', {orderingKey: 'a'});
  await send('posts', {callback: 'https://hooks.example.com/done', traceparent: '00-a'});
  await journal.work.settle(await take(), {facts: settled('responded'), posts: true});
  await send('waits', {due: clock.now() + hour, expires: clock.now() + 2 * hour, owner: 'f'.repeat(64), mostAttempts: 3});
  const before = await journal.work.list({limit: 99});
  await journal[Symbol.asyncDispose]();

  const withoutRequests = await runCli(['journal', 'export', '--journal', file]);
  t.regex(withoutRequests.stderr, /left out: 5 items of work that are not over; --payloads exports them with their requests/);
  t.notRegex(withoutRequests.stdout, /work\.kept/);
  writeFileSync(from, (await runCli(['journal', 'export', '--payloads', '--journal', file])).stdout);
  const copy = await newFile(t);
  const importIt = (...more: string[]) => runCli(['journal', 'import', from, '--json', '--journal', copy, ...more]);
  const left = await importIt();
  t.regex(left.stderr, /5 items of work were left out: --work takes them over/);
  t.like(JSON.parse(left.stdout), {work: {taken: 0, leftOut: 5}});
  t.like(JSON.parse((await importIt('--work')).stdout), {imported: 0, work: {taken: 5, known: 0, leftOut: 0}});
  t.like(JSON.parse((await importIt('--work')).stdout), {imported: 0, work: {taken: 0, known: 5, leftOut: 0}});

  await using opened = await openFile(copy, clock);
  const {work} = opened;
  t.deepEqual(
    await work.list({limit: 99}),
    before.map(state => (state.id === 'runs' ? {...state, status: 'waiting'} : state)),
  );
  t.like(await work.census(), {waiting: 3, behind: 1, running: 0, dead: 1});
  const claimed = await work.claim(9, limits);
  t.deepEqual(
    claimed.map(({id, task, attempts}) => [id, task, attempts]),
    [
      ['runs', 'run', 2],
      ['posts', 'callback', 1],
    ],
  );
  t.is((await opened.payload('invocation.waits/request'))?.toString(), Uint8Array.from(Buffer.from('waits')).toString());
  const facts = await Array.fromAsync(opened.read('invocation.runs'));
  t.deepEqual(
    facts.map(({fact: {type}}) => type),
    ['invocation.accepted', 'attempt.started', 'attempt.failed', 'attempt.started'],
  );
});

test('work that an import does not understand ends it with the line', async t => {
  const file = await newFile(t);
  const from = `${dirname(dirname(file))}/all.ndjson`;
  const state = {id: 'i', acceptedAt: 1, due: 1, status: 'waiting', attempts: 0, deaths: 0} as const;
  for (const [broken, member] of [
    [{...state, status: 'lost'}, 'status'],
    [{...state, due: '1'}, 'due'],
    [{...state, callback: 'a b'}, 'callback'],
    [{...state, reason: {why: 'bored', class: 'error', status: 1}}, 'reason'],
  ] as const) {
    writeFileSync(from, JSON.stringify(workEvent(broken as unknown as WorkState)));
    const {code, stderr} = await runCli(['journal', 'import', from, '--work', '--journal', file]);
    t.is(code, 1);
    t.regex(stderr, new RegExp(`line 1: expected ${member} of work.kept to be as an export writes it`));
  }
  const key = {scope: 's', fingerprint: 'f', until: Date.now() + hour, id: 'i'};
  for (const [broken, member] of [
    [{...key, fingerprint: 'a\nb'}, 'fingerprint'],
    [{...key, until: 1.5}, 'until'],
    [{...key, id: '../i'}, 'id'],
  ] as const) {
    writeFileSync(from, JSON.stringify(keyEvent(broken)));
    const {code, stderr} = await runCli(['journal', 'import', from, '--work', '--journal', file]);
    t.is(code, 1);
    t.regex(stderr, new RegExp(`line 1: expected ${member} of key.kept to be as an export writes it`));
  }
  writeFileSync(from, JSON.stringify(keyEvent(key)));
  t.regex(
    (await runCli(['journal', 'import', from, '--journal', file])).stderr,
    /1 idempotency keys were left out: --work takes them over/,
  );
  t.regex((await runCli(['journal', 'import', from, '--work', '--journal', file])).stderr, /1 idempotency keys were left out$/m);
  writeFileSync(from, JSON.stringify(workEvent(state)));
  const {stderr} = await runCli(['journal', 'import', from, '--work', '--journal', file]);
  t.regex(stderr, /1 items of work were left out, as their facts are not there/);
});
