import {spawn} from 'node:child_process';
import {once} from 'node:events';
import test from 'ava';
import {isEnding} from '../../src/workers/proc/stat.ts';

test('neither a process that runs nor one that does not exist is ending', t => {
  t.false(isEnding(process.pid));
  t.false(isEnding(2 ** 30));
});

test('a process whose exit nobody has asked for yet is ending', async t => {
  // The shell becomes a sleeper that never asks for its child's exit: what was killed stays as a zombie.
  const parent = spawn('/bin/sh', ['-c', 'sleep 1000 & echo $!; exec sleep 1000'], {stdio: ['ignore', 'pipe', 'ignore']});
  t.teardown(() => parent.kill('SIGKILL'));
  const [line] = await once(parent.stdout, 'data');
  const child = Number(String(line));
  t.false(isEnding(child));
  process.kill(child, 'SIGKILL');
  while (!isEnding(child)) await new Promise(resolve => setImmediate(resolve));
  t.pass();
});
