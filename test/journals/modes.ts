import {execFileSync, spawnSync} from 'node:child_process';
import {chmodSync, readdirSync, statSync} from 'node:fs';
import {dirname, join} from 'node:path';
import test from 'ava';
import {verifySqlite} from '../../src/journals/sqlite/verify.ts';
import {projectFile} from '../helpers/core.ts';
import {newFile, written} from '../helpers/sqlite-journal.ts';

const appender = projectFile('test/helpers/journal-appender.ts');
const [group, first, second] = [54_321, 54_322, 54_323];
/** As another user, who has the group of the volume, one must be root to begin with. */
const asRoot = process.getuid?.() === 0 ? test : test.skip;
if (process.getuid?.() !== 0) console.log('skipped: running as other users needs root');

function append(file: string, uid: number, from: number): string {
  const {stdout, stderr} = spawnSync(process.execPath, [appender, file, String(from), '5'], {uid, gid: group, env: {}, encoding: 'utf8'});
  return `${stdout}${stderr}`;
}

asRoot('files that a volume shares with its group are written by one user after another', async t => {
  const file = await newFile(t);
  await written(file, 3);
  const folder = dirname(file);
  chmodSync(dirname(folder), 0o755);
  execFileSync('chown', ['-R', `${first}:${group}`, folder]);
  execFileSync('chmod', ['-R', 'u=rwX,g=rwX,o=', folder]);
  execFileSync('chmod', ['g+s', folder]);
  for (const [index, uid] of [second, first, second].entries()) {
    const said = append(file, uid, index * 5 + 1);
    t.is(said.split('\n').filter(line => /^\d+ writer/.test(line)).length, 5, said);
    for (const name of readdirSync(folder)) t.is(statSync(join(folder, name)).mode & 0o067, 0o060, name);
  }
  t.deepEqual(verifySqlite(file).problems, []);
});

asRoot('a lock file alone that another user shares does not stop the start, and its mode stays', async t => {
  const file = await newFile(t);
  await written(file, 1);
  const folder = dirname(file);
  chmodSync(dirname(folder), 0o755);
  execFileSync('chown', ['-R', `${second}:${group}`, folder]);
  for (const end of ['.lock', '.mark', '.holder']) {
    execFileSync('chown', [`${first}:${group}`, file + end]);
    chmodSync(file + end, 0o660);
  }
  t.regex(append(file, second, 1), /^\d+ writer/m);
  t.is(statSync(`${file}.lock`).mode & 0o777, 0o660);
});
