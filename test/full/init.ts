import {execFile} from 'node:child_process';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {promisify} from 'node:util';
import test from 'ava';
import {languages} from '../../src/init/languages.ts';
import {runCli as cli, startCore} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';
import {isThere} from '../helpers/there.ts';

/** What cargo builds of other people's crates is kept between runs, outside of the project. */
const target = process.env.CARGO_TARGET_DIR ?? join(tmpdir(), 'core-runtime-rust-target');

/** The functions of `init` that are compiled; the others are in test/commands/init.ts. */
const programs = [
  {name: 'go', needs: 'go', build: 'go vet . && go build -o handler .', program: 'handler', env: {GOFLAGS: '-mod=mod', GOPROXY: 'off'}},
  {
    name: 'rust',
    needs: 'cargo',
    build: 'cargo build --release --locked',
    program: join(target, 'release/handler'),
    env: {CARGO_TARGET_DIR: target},
  },
] as const;

for (const {name, needs, build, program, env} of programs) {
  const isSkipped = !isThere(needs);
  if (isSkipped) console.log(`skipped: ${name}: PATH has no ${needs}`);
  (isSkipped ? test.skip : test.serial)(`${name}: its test passes, it builds, and it serves`, async t => {
    const parent = await mkdtemp(join(tmpdir(), 'init-'));
    t.teardown(() => rm(parent, {recursive: true, maxRetries: 5}));
    const {code, stdout, stderr} = await cli(['init', name, 'orders', '--json'], {}, parent);
    t.is(code, 0, stderr);
    const {folder, next} = JSON.parse(stdout);
    t.deepEqual(next, [`cd orders && ${languages[name].test}`, languages[name].serve]);
    const run = (command: string) => promisify(execFile)('sh', ['-c', command], {cwd: folder, env: {...process.env, ...env}});
    await t.notThrowsAsync(run(languages[name].test));
    await t.notThrowsAsync(run(build));
    const core = await startCore({SCW_HANDLER_PATH: resolve(folder, program), SCW_HANDLER_IS_BINARY: 'true', SCW_PUBLIC: 'true'}, t);
    t.is((await ask(`${core.url}/?name=Ada`)).text(), 'Hello, Ada!\n');
  });
}
