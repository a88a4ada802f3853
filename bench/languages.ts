import {execFile} from 'node:child_process';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {projectFile} from '../test/helpers/core.ts';
import type {Peers} from './peers.ts';
import {bridgeFile} from './servers.ts';

/** A program that serves the core's protocol. */
export interface Contender {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Contenders {
  readonly bridge: Contender;
  readonly usual: Contender;
  /** Calls at a time that the core gives the bridge. */
  readonly concurrency: number;
  /** The least that a server in this language can do: it reads nothing of the call. */
  readonly bare?: Contender;
}

export type Language = 'node' | 'python' | 'go';

const run = promisify(execFile);
/** Of the Python bridge and of gunicorn alike. */
const threads = '4';

/** What is raced in each language; `folder` takes what is installed or built. Rejects when something cannot be had. */
export const languages: Readonly<Record<Language, (folder: string, peers: Peers) => Promise<Contenders>>> = {
  async node(_, peers) {
    const {modules, version} = await peers.install('express@5', 'body-parser@2');
    const env = {SCW_HANDLER_PATH: projectFile('bench/functions/message.cjs'), NODE_ENV: 'production'};
    return {
      bridge: {name: `**bridge**, Node ${process.versions.node}`, command: [process.execPath, bridgeFile], env},
      usual: {
        name: `Express ${version} + body-parser`,
        command: [process.execPath, projectFile('bench/peers/express.cjs')],
        env: {...env, NODE_PATH: modules},
      },
      concurrency: 100,
      bare: {name: 'node:http that reads nothing', command: [process.execPath, projectFile('bench/peers/bare.cjs')]},
    };
  },

  async python(folder) {
    await run('python3', ['-m', 'venv', folder]);
    const python = join(folder, 'bin/python');
    await run(python, ['-m', 'pip', 'install', '--quiet', 'flask', 'gunicorn']);
    const script = 'import platform, importlib.metadata as m; print(platform.python_version(), m.version("gunicorn"), m.version("flask"))';
    const [version, gunicorn, flask] = (await run(python, ['-c', script])).stdout.trim().split(' ');
    const env = {SCW_HANDLER_PATH: projectFile('bench/functions/message.py'), CORE_CONCURRENCY: threads};
    const options = ['--workers', '1', '--threads', threads, '--chdir', projectFile('bench/peers')];
    return {
      concurrency: Number(threads),
      bridge: {name: `**bridge**, Python ${version}, ${threads} threads`, command: [python, projectFile('runtimes/python/bridge.py')], env},
      usual: {
        name: `gunicorn ${gunicorn} + Flask ${flask}, 1 worker, ${threads} threads`,
        command: [join(folder, 'bin/gunicorn'), ...options, 'flask_app:app'],
        env,
      },
    };
  },

  async go(folder) {
    await run('go', ['build', '-o', folder, './bridge', './plain'], {cwd: projectFile('bench/peers/go')});
    const version = (await run('go', ['env', 'GOVERSION'])).stdout.trim().replace('go', 'Go ');
    return {
      concurrency: 100,
      bridge: {name: `**library**, ${version}`, command: [join(folder, 'bridge')]},
      usual: {name: 'net/http', command: [join(folder, 'plain')]},
    };
  },
};
