import {spawn} from 'node:child_process';
import {closeSync, openSync} from 'node:fs';
import {mkdir, symlink} from 'node:fs/promises';
import {join} from 'node:path';
import {text} from 'node:stream/consumers';
import test from 'ava';
import {closeInherited} from '../../src/workers/process/inherited.ts';
import {projectFile} from '../helpers/core.ts';
import {folderWith} from '../helpers/folder.ts';

test('descriptors that this process was started with are not passed on to its children', async t => {
  const program = `
    import {spawnSync} from 'node:child_process';
    import {closeInherited} from '${projectFile('src/workers/process/inherited.ts')}';
    const passedOn = () => spawnSync('/bin/ls', ['/proc/self/fd'], {encoding: 'utf8'}).stdout.trim().split(/\\s+/).map(Number);
    const before = passedOn();
    closeInherited();
    console.log(JSON.stringify([before, passedOn()]));`;
  const file = openSync('/dev/null', 'r');
  const stdio = ['ignore' as const, 'pipe' as const, 'inherit' as const, ...Array.from({length: 97}, () => 'ignore' as const), file];
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {stdio});
  closeSync(file);
  const [before, after] = JSON.parse(await text(child.stdout ?? process.stdin));
  t.true(before.includes(100)); // Node's own way does not reach so far
  t.deepEqual(
    after.filter((descriptor: number) => descriptor > 3), // 3: the folder that ls reads
    [],
  );
});

test('a file that Node itself may be reading stays open', async t => {
  const program = `
    import {readdirSync} from 'node:fs';
    import {closeInherited} from '${projectFile('src/workers/process/inherited.ts')}';
    closeInherited([undefined, '/proc/self/missing', '${projectFile('LICENSE')}']);
    console.log(readdirSync('/proc/self/fd').includes('100'));
    closeInherited(['${projectFile('README.md')}']);
    console.log(readdirSync('/proc/self/fd').includes('100'));`;
  const file = openSync(projectFile('LICENSE'), 'r');
  const stdio = ['ignore' as const, 'pipe' as const, 'inherit' as const, ...Array.from({length: 97}, () => 'ignore' as const), file];
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {stdio});
  closeSync(file);
  t.is(await text(child.stdout ?? process.stdin), 'true\nfalse\n');
});

test('a descriptor that a thread has closed since it was listed is left alone, and no reason to end', async t => {
  const info = 'pos:\t0\nflags:\t0100000\n';
  const gone = await folderWith(t, {'fdinfo/999999': info});
  t.notThrows(() => closeInherited([], gone), 'before it was looked at');
  await symlink('/dev/null', join((await mkdir(join(gone, 'fd'), {recursive: true})) ?? '', '999999'));
  t.notThrows(() => closeInherited([], gone), 'and after');
});
