import {setTimeout} from 'node:timers/promises';
import test from 'ava';
import {ask} from './helpers/request.ts';
import {architecture, ranDuring, startWatched, walkOf} from './helpers/walk.ts';

test('a request runs every file of its walk, and no more than the page says', async t => {
  const core = await startWatched(t);
  // Of several, the one with the least beside it: what is loaded late, or done once in a while, belongs to no request.
  let ran = await ranDuring(core, () => ask(core.url, {method: 'POST', body: 'hi'}));
  for (let times = 0; times < 3; times++) {
    const next = await ranDuring(core, () => ask(core.url, {method: 'POST', body: 'hi'}));
    if (next.size < ran.size) ran = next;
  }
  const walk = walkOf('request');
  const [, count, most] = /These (\d+) files decide the way\. (\d+) files at most run/.exec(architecture) ?? [];
  t.is(walk.length, Number(count));
  t.true(ran.size <= Number(most), [...ran].join(' '));
  for (const file of walk) t.true(ran.has(file), `${file} did not run`);
});

test('a tick runs every file of its walk', async t => {
  const core = await startWatched(t, {CORE_SCHEDULES: '[{"name": "beat", "cron": "* * * * * *"}]'});
  const ran = await ranDuring(core, () => setTimeout(2500));
  const walk = walkOf('tick');
  t.true(walk.length > 5);
  for (const file of walk) t.true(ran.has(file), `${file} did not run`);
});

test('a reload runs every file of its walk', async t => {
  const core = await startWatched(t);
  const ran = await ranDuring(core, async () => {
    core.kill('SIGHUP');
    await core.logged(({msg}) => msg.startsWith('Reloaded'));
    await ask(core.url);
  });
  const walk = walkOf('reload');
  t.true(walk.length > 5);
  for (const file of walk) t.true(ran.has(file), `${file} did not run`);
});
