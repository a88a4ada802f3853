import {inspect} from 'node:util';
import test from 'ava';
import {checkContainer, echoes} from '../../bench/container/check.ts';
import {projectFile} from '../helpers/core.ts';

// A short form of bench/container.ts: core and function in 128 MB together.

for (const [language, handler] of echoes(projectFile('bench/functions'))) {
  test.serial(`in 128 MB nothing is killed by small calls and large bodies: ${language}`, async t => {
    t.timeout(180_000);
    const checked = await checkContainer({handler, limitBytes: 128e6, main: projectFile('src/main.ts'), seconds: 1});
    if (checked) t.deepEqual(checked.broken, [], inspect(checked));
    else {
      t.log('Not tested: this machine lets nobody make a memory control group');
      t.pass();
    }
  });
}
