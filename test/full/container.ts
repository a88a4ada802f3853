import {inspect} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import {checkContainer, checkReplies, echoes, longReplies} from '../../bench/container/check.ts';
import {projectFile} from '../helpers/core.ts';
import {mainProgram} from '../helpers/programs.ts';

// A short form of bench/container.ts: core and function in 128 MB together.

for (const [language, handler] of echoes(projectFile('bench/functions'))) {
  test.serial(`in 128 MB nothing is killed by small calls and large bodies: ${language}`, async t => {
    t.timeout(180_000);
    const checked = await checkContainer({handler, limitBytes: 128e6, main: mainProgram, seconds: 1});
    if (checked) t.deepEqual(checked.broken, [], inspect(checked, {depth: 4}));
    else skip(t);
  });
}

for (const [language, handler] of longReplies(projectFile('bench/functions'))) {
  test.serial(`in 128 MB nothing is killed by callers of long replies: ${language}`, async t => {
    t.timeout(180_000);
    const checked = await checkReplies({handler, limitBytes: 128e6, main: mainProgram, seconds: 1});
    if (checked) t.deepEqual(checked.broken, [], inspect(checked, {depth: 4}));
    else skip(t);
  });
}

/** What is logged stands in the output of every run, so nobody takes it for tested. */
function skip(t: ExecutionContext): void {
  t.log('Skipped: this machine lets nobody make a memory control group');
  t.pass();
}
