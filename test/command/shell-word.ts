import {execFileSync} from 'node:child_process';
import test from 'ava';
import {shellWord} from '../../src/command/shell-word.ts';

test('a shell reads a word as it was, and plain words need no quotes', t => {
  for (const text of ['', 'a b', "it's", '$HOME', '`id`', '#1', 'ü', 'a\nb', '*', '~', 'api=my fn'])
    t.is(execFileSync('sh', ['-c', `printf %s ${shellWord(text)}`], {encoding: 'utf8'}), text);
  for (const text of ['handler.js', 'jobs/report-2.py', 'api=jobs/api']) t.is(shellWord(text), text);
});
