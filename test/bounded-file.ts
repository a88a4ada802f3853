import {spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {readBounded} from '../src/bounded-file.ts';
import {readEventFile} from '../src/invoke/read.ts';
import {readJsonList} from '../src/settings/json-list.ts';
import {projectFile} from './helpers/core.ts';

test('a file without an end is refused past the bound', t => {
  t.throws(() => readBounded('/dev/zero', 100_000), {instanceOf: RangeError, message: 'it has more than 100000 bytes'});
  t.throws(() => readEventFile('/dev/zero', 1000), {message: /^--event \/dev\/zero: it has more than \d+ bytes$/});
  t.throws(() => readJsonList('/dev/zero', {setting: 'CORE_SCHEDULES', things: 'schedules', most: 1}), {
    message: /`\/dev\/zero` cannot be read: it has more than \d+ bytes/,
  });
});

test('a folder, and a file that does not exist, fail as the system says', t => {
  t.throws(() => readBounded('/', 10), {code: 'EISDIR'});
  t.throws(() => readBounded('/nowhere/x', 10), {code: 'ENOENT'});
});

test('a file of the bound is read whole, also one that is cut in the middle of a character', t => {
  const folder = mkdtempSync(join(tmpdir(), 'bounded-'));
  t.teardown(() => rmSync(folder, {recursive: true, maxRetries: 5}));
  const text = `a${'é'.repeat(50_000)}`;
  writeFileSync(join(folder, 'file'), text);
  t.is(readBounded(join(folder, 'file'), 100_001), text);
  t.throws(() => readBounded(join(folder, 'file'), 100_000), {instanceOf: RangeError});
});

test('a pipe is read, too', t => {
  const read = `import {readBounded} from '${projectFile('src/bounded-file.ts')}'; console.log(readBounded('/dev/stdin', 10))`;
  const {stdout, stderr} = spawnSync('sh', ['-c', 'printf hello | "$0" --input-type=module -e "$1"', process.execPath, read], {
    encoding: 'utf8',
  });
  t.is(stdout, 'hello\n', stderr);
});
