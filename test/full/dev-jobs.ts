import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import test from 'ava';
import {projectFile} from '../helpers/core.ts';
import {freePort} from '../helpers/port.ts';
import {endingWithUs} from '../helpers/process.ts';
import {cliProgram} from '../helpers/programs.ts';
import {ask} from '../helpers/request.ts';

const isMissing = spawnSync('python3', ['--version']).error !== undefined;
if (isMissing) console.log('skipped: jobs of dev: PATH has no python3');
const pythonTest = isMissing ? test.skip : test;

pythonTest('Ctrl-Z stops dev, in the background it leaves the terminal alone, and fg gives it the keys again', async t => {
  const port = await freePort();
  const [file, args] = endingWithUs(['python3', projectFile('test/fixtures/pseudo-terminal.py'), 'bash', '--norc', '-i']);
  const {PATH = '', HOME = ''} = process.env;
  const env = {PATH, HOME, TERM: 'xterm', NO_COLOR: '1', PORT: String(port), CORE_ADMIN_PORT: '0', CORE_JOURNAL: 'memory:'};
  const shell = spawn(file, args, {env, stdio: ['pipe', 'pipe', 'inherit']});
  t.teardown(() => shell.kill('SIGKILL'));
  const ended = once(shell, 'exit');
  let unread = '';
  const arrivals = shell.stdout.setEncoding('utf8')[Symbol.asyncIterator]();
  const sees = async (pattern: RegExp) => {
    while (!pattern.test(unread)) {
      const {value, done} = await arrivals.next();
      if (done) throw new Error(`${pattern} was not seen in: ${unread}`);
      unread += value;
    }
    unread = '';
  };
  const type = (keys: string) => void shell.stdin.write(keys);

  await sees(/bash-[\d.]+[$#] /);
  type(`${process.execPath} ${cliProgram} dev ${projectFile('test/fixtures/functions/core/counts.cjs')}\n`);
  await sees(/h help/);
  type('\x1a');
  await sees(/Stopped[\s\S]*bash-/);
  type('bg\n');
  await sees(/dev .* &[\s\S]*bash-/);
  t.is((await ask(`http://127.0.0.1:${port}/`)).status, 200);
  await sees(/call 1/);
  type('echo "the shell $((1 + 1)) reads"\n');
  await sees(/the shell 2 reads/);
  type('fg\n');
  await sees(/h help/);
  type('h');
  await sees(/reload the function/);
  type('q');
  await sees(/bash-[\d.]+[$#] /);
  type('stty -a | grep -o " icanon"; exit\n');
  await sees(/\r icanon/);
  await ended;
});
