import {execFile} from 'node:child_process';
import {writeFile} from 'node:fs/promises';
import {delimiter, join} from 'node:path';
import {promisify} from 'node:util';
import {projectFile} from '../../test/helpers/core.ts';
import {nginxSettings} from '../peers/proxies.ts';
import {type Peers, reasonOf} from '../peers.ts';
import {newPort, type Program, type Server, start, temporaryFolder} from '../servers.ts';

/** A server that is passed on to. It listens at PORT. */
export interface Behind {
  readonly title: string;
  readonly main: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The server itself, what stands in front of it, and the core. What cannot be had is told of and left out. */
export async function startContenders(behind: Behind, peers: Peers, stack: AsyncDisposableStack): Promise<Record<string, Server>> {
  const port = await newPort();
  const command = [process.execPath, behind.main] as const;
  const found: Record<string, Server> = {
    'the server itself': await start({command, env: {...behind.env, PORT: String(port)}, port}, stack),
  };
  const proxies = {
    nginx: () => nginx(port, stack),
    'a plain proxy in Node': () => plainProxy(port),
    'of-watchdog': () => watchdog(behind, peers),
    core: () => ourCore(behind, stack),
  };
  for (const [name, program] of Object.entries(proxies)) {
    try {
      found[name] = await start(await program(), stack);
    } catch (error) {
      console.log(`not measured: ${name} (${reasonOf(error)})`);
    }
  }
  while (found.core && (await fetch(found.core.url)).status !== 200);
  return found;
}

async function nginx(upstream: number, stack: AsyncDisposableStack): Promise<Program> {
  const PATH = [process.env.PATH, '/usr/sbin'].join(delimiter);
  const [folder, port] = [await temporaryFolder(stack), await newPort()];
  const file = join(folder, 'nginx.conf');
  await writeFile(file, nginxSettings(folder, port, upstream));
  return {command: ['nginx', '-p', folder, '-c', file, '-e', 'stderr'], env: {PATH}, port};
}

async function plainProxy(upstream: number): Promise<Program> {
  const port = await newPort();
  const env = {PORT: String(port), UPSTREAM_PORT: String(upstream)};
  return {command: [process.execPath, projectFile('bench/peers/plain-proxy.cjs')], env, port};
}

/** In front of a process of its own, as it starts one itself. */
async function watchdog(behind: Behind, peers: Peers): Promise<Program> {
  const GOBIN = await peers.folder();
  const env = {...process.env, GOBIN, GOFLAGS: '-mod=mod'};
  await promisify(execFile)('go', ['install', 'github.com/openfaas/of-watchdog@latest'], {env});
  const [port, upstream] = [await newPort(), await newPort()];
  const fprocess = `${process.execPath} ${behind.main}`;
  const settings = {mode: 'http', port: String(port), upstream_url: `http://127.0.0.1:${upstream}`, fprocess};
  const quiet = {prefix_logs: 'false', suppress_lock: 'true', healthcheck_interval: '1s'};
  return {command: [join(GOBIN, 'of-watchdog')], env: {...behind.env, ...settings, ...quiet, PORT: String(upstream)}, port};
}

async function ourCore(behind: Behind, stack: AsyncDisposableStack): Promise<Program> {
  const [port, folder] = [await newPort(), await temporaryFolder(stack)];
  const command = JSON.stringify([process.execPath, behind.main]);
  const ours = {CORE_COMMAND: command, CORE_PROTOCOL: 'http', SCW_PUBLIC: 'true', SCW_UPSTREAM_PORT: '0', CORE_ADMIN_PORT: '0'};
  const limits = {SCW_PAYLOAD_MAX_SIZE: '1GiB', CORE_CONCURRENCY: '2000', CORE_STREAM_IDLE: '10m', CORE_DATA_DIR: folder};
  const env = {...behind.env, PORT: String(port), ...ours, ...limits};
  return {command: [process.execPath, projectFile('src/main.ts')], env, port};
}
