import {spawnSync} from 'node:child_process';
import test from 'ava';
import {functionFile} from '../helpers/bridge.ts';
import {startCore} from '../helpers/core.ts';
import {metric} from '../helpers/supervision.ts';

const check = spawnSync('php', ['-r', 'exit(PHP_VERSION_ID < 80000 ? 1 : 0);']).status === 0 ? test : test.skip;

check('PHP calls that share a process wait for one another, however long each takes: it is no blocked process', async t => {
  const path = await functionFile(
    t,
    'handler.php',
    "<?php function handle() { usleep(600000); return getmypid() . str_repeat('x', 1500000); }",
  );
  const core = await startCore({SCW_HANDLER_PATH: path, SCW_PUBLIC: 'true', CORE_CONCURRENCY: '4'}, t);
  const send = async () => {
    const answer = await fetch(core.url);
    return [answer.status, (await answer.text()).replace(/x+$/, '')].join(' ');
  };
  await send(); // once it is answered the process is there, and nobody waits for its start
  const waited = () => metric(core, 'core_queue_wait_seconds_count');
  const before = await waited();
  const answers = await Promise.all(Array.from({length: 6}, send));
  t.is(new Set(answers).size, 1, answers.join());
  t.regex(answers[0] ?? '', /^200 \d+$/);
  t.deepEqual(
    core.logs.filter(({msg}) => /spare|not answer|protocol/.test(msg)),
    [],
  );
  t.is((await waited()) - before, 2);
});
