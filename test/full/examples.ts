import {execFileSync, spawnSync} from 'node:child_process';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {projectFile, startCore} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';

// What cargo builds is kept between runs, outside of the project.
const target = process.env.CARGO_TARGET_DIR ?? join(tmpdir(), 'core-runtime-rust-target');
const hasCargo = spawnSync('cargo', ['--version']).status === 0;

(hasCargo ? test : test.skip)(`05-hello-rust greets whoever the query names${hasCargo ? '' : ': PATH has no cargo'}`, async t => {
  t.timeout(600_000, 'a first build fetches and compiles the crates');
  execFileSync('cargo', ['build', '--locked', '--quiet'], {
    cwd: projectFile('examples/05-hello-rust'),
    env: {...process.env, CARGO_TARGET_DIR: target},
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const core = await startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: join(target, 'debug/hello'), SCW_HANDLER_IS_BINARY: 'true'}, t);
  t.regex((await ask(`${core.url}/?name=Ada`)).text(), /Hello, Ada!/);
  t.is(await core.stop(), 0);
});
