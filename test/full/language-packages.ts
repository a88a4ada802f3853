import {execFile, spawnSync} from 'node:child_process';
import {mkdtemp, rm} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {promisify} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import {build} from '../../build.ts';
import {projectFile} from '../helpers/core.ts';
import {folderWith} from '../helpers/folder.ts';

/* What the package holds for other languages is a package of each, as it is shipped: without tests, outside of a checkout. */

const run = promisify(execFile);
let shipped: string;

test.before(async () => {
  shipped = await mkdtemp(path.join(os.tmpdir(), 'languages-'));
  await build(projectFile('.'), shipped);
});
test.after.always(() => shipped && rm(shipped, {recursive: true}));

/** Skipped, and named, where the machine lacks what it needs. */
function withTool(command: readonly [string, ...string[]], title: string, run: (t: ExecutionContext) => Promise<void>): void {
  const [file, ...args] = command;
  if (spawnSync(file, args).status === 0) test(title, run);
  else test.skip(`${title}: \`${command.join(' ')}\` fails`, run);
}

withTool(['go', 'version'], 'the Go module is vetted, and builds into a program that requires it', async t => {
  const env = {...process.env, GOFLAGS: '-mod=mod', GOPROXY: 'off', GOWORK: 'off'};
  const module = path.join(shipped, 'runtimes/go');
  await t.notThrowsAsync(run('go', ['vet', './...'], {cwd: module, env}));
  const folder = await folderWith(t, {
    'go.mod': `module mine\n\ngo 1.19\n\nrequire core-runtime/functions v0.0.0\n\nreplace core-runtime/functions => ${module}\n`,
    'main.go': `package main

import (
	"net/http"

	functions "core-runtime/functions"
	"core-runtime/functions/events"
	"core-runtime/functions/lambda"
)

func main() {
	_ = lambda.Start
	_ = events.APIGatewayProxyRequest{}
	functions.Start(func(w http.ResponseWriter, r *http.Request) {})
}
`,
  });
  await t.notThrowsAsync(run('go', ['vet', './...'], {cwd: folder, env}));
  await t.notThrowsAsync(run('go', ['build', '-o', 'handler', '.'], {cwd: folder, env}));
});

withTool(['cargo', '--version'], 'the Rust crate packs, and the crate that was packed builds', async t => {
  t.timeout(10 * 60_000);
  const target = process.env.CARGO_TARGET_DIR ?? path.join(os.tmpdir(), 'core-runtime-rust-target');
  const manifest = path.join(shipped, 'runtimes/rust/Cargo.toml');
  const env = {...process.env, CARGO_TARGET_DIR: target};
  // Offline, unless its dependencies were never fetched on this machine.
  const fetched = await run('cargo', ['fetch', '--offline', '--locked', '--manifest-path', manifest], {env}).then(
    () => ['--offline'],
    () => [],
  );
  const {stderr} = await run('cargo', ['package', '--allow-dirty', '--locked', ...fetched, '--manifest-path', manifest], {env});
  t.regex(stderr, /Packaged \d+ files[\s\S]*Verifying core-runtime-functions[\s\S]*Finished/);
});

/** pip fetches what builds a wheel, when it can. */
const fetchesBackend = [
  'python3',
  '-m',
  'pip',
  'download',
  '--quiet',
  '--no-deps',
  '--dest',
  path.join(os.tmpdir(), 'core-runtime-pip'),
  'flit_core<4',
] as const;

withTool(fetchesBackend, 'the types of Python are a wheel with a mark for type checkers', async t => {
  const folder = await folderWith(t, {});
  const args = ['-m', 'pip', 'wheel', '--no-deps', '--wheel-dir', folder, path.join(shipped, 'runtimes/python/types')];
  await run('python3', args);
  const listed = await run('python3', ['-m', 'zipfile', '-l', path.join(folder, 'core_runtime_types-0.1.0-py3-none-any.whl')]);
  t.regex(listed.stdout, /^core_runtime\/__init__\.py /m);
  t.regex(listed.stdout, /^core_runtime\/py\.typed /m);
});
