import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {freePort} from '../../helpers/port.ts';
import {endingWithUs} from '../../helpers/process.ts';
import {cliProgram} from '../../helpers/programs.ts';
import {ask} from '../../helpers/request.ts';

/** `dev` whose output goes into a pipe, with a function that writes far more than a pipe holds. */
async function talkative(t: ExecutionContext) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'pipe-'));
  writeFileSync(
    path.join(folder, 'handler.js'),
    "exports.handle = () => { for (let n = 0; n < 10_000; n++) console.log('x'.repeat(100)); return 'ok'; };",
  );
  const port = await freePort();
  const [file, args] = endingWithUs([process.execPath, cliProgram, 'dev', folder]);
  const {PATH = ''} = process.env;
  const env = {PATH, PORT: String(port), CORE_ADMIN_PORT: '0', CORE_JOURNAL: 'memory:'};
  const dev = spawn(file, args, {env, stdio: ['ignore', 'pipe', 'inherit']});
  const ended = once(dev, 'exit');
  t.teardown(async () => {
    dev.kill('SIGKILL');
    await ended;
    rmSync(folder, {recursive: true});
  });
  dev.stdout.setEncoding('utf8');
  for (let seen = ''; !/ try /.test(seen); ) seen += (await once(dev.stdout, 'data'))[0];
  return {dev, ended, url: `http://127.0.0.1:${port}`};
}

test('a pipe that nobody reads, and one whose reader has left, stop neither the function nor the end', async t => {
  const {dev, ended, url} = await talkative(t);
  dev.stdout.pause();
  for (let times = 0; times < 10; times++) t.is((await ask(url)).text(), 'ok');
  dev.stdout.destroy();
  for (let times = 0; times < 2; times++) t.is((await ask(url)).text(), 'ok');
  dev.kill('SIGTERM');
  t.deepEqual(await ended, [0, null]);
});
