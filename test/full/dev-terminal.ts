import {spawn} from 'node:child_process';
import test from 'ava';
import {folderWith} from '../helpers/folder.ts';
import {below, gone, isAlive} from '../helpers/process.ts';
import {cliProgram} from '../helpers/programs.ts';

const files = {'a/handler.js': 'exports.handle = async () => 1;', 'b/handler.js': 'exports.handle = async () => 2;'};

for (const [title, words, ready] of [
  ['one function', 'a', /curl /],
  ['one function whose output another program gets', 'a 2>&1 | cat', /curl /],
  ['several functions', 'a b', /Serving on/],
] as const) {
  test(`${title}: a terminal that is closed ends dev and all that it started`, async t => {
    const command = `${process.execPath} ${cliProgram} dev ${words}`;
    const env = {...process.env, PORT: '0', CORE_ADMIN_PORT: '0', CORE_JOURNAL: 'memory:'};
    const terminal = spawn('script', ['-qec', command, '/dev/null'], {
      cwd: await folderWith(t, files),
      env,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    t.teardown(() => terminal.kill('SIGKILL'));
    let shown = '';
    for await (const chunk of terminal.stdout) {
      shown += chunk;
      if (ready.test(shown)) break;
    }
    const started = below(terminal.pid ?? 0);
    t.teardown(() => {
      for (const pid of started.filter(isAlive)) process.kill(pid, 'SIGKILL');
    });
    t.true(started.length > 1);
    terminal.kill('SIGKILL'); // its side of the terminal is closed
    await Promise.all(started.map(gone));
    t.pass();
  });
}
