import path from 'node:path';
import test from 'ava';
import {interpreterBehindScript} from '../../src/dev/interpreter.ts';
import {folderWith} from '../helpers/folder.ts';

for (const [title, script] of [
  ['fails', 'exit 1'],
  ['says nothing', 'exit 0'],
  ['says no path', 'echo python3'],
  ['says a path that does not exist', 'echo /nowhere/python3'],
] as const) {
  test(`a script that ${title} is used itself`, async t => {
    const folder = await folderWith(t, {python3: `#!/bin/sh\n${script}\n`});
    t.is(await interpreterBehindScript('/srv/handler.py', {PATH: folder}), undefined);
  });
}

test('an interpreter that PATH leads to, and one that is missing, are left as they are', async t => {
  const folder = await folderWith(t, {python3: '\x7fELF'});
  for (const PATH of [folder, '/nowhere', '', undefined]) t.is(await interpreterBehindScript('/srv/handler.py', {PATH}), undefined);
  t.is(await interpreterBehindScript('/srv/handler.js', {PATH: folder}), undefined);
});

test('the interpreter that a script stands for is found', async t => {
  const folder = await folderWith(t, {python3: '#!/bin/sh\necho "$(dirname "$0")/real"\n', real: '\x7fELF'});
  t.is(await interpreterBehindScript('/srv/handler.py', {PATH: `${folder}:/bin:/usr/bin`}), path.join(folder, 'real'));
});
