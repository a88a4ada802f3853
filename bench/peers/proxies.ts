import {execFile} from 'node:child_process';
import {writeFile} from 'node:fs/promises';
import {userInfo} from 'node:os';
import {delimiter, join} from 'node:path';
import {promisify} from 'node:util';
import {projectFile} from '../../test/helpers/core.ts';
import type {Peer, Peers} from '../peers.ts';
import {bridgeProgram, newPort, temporaryFolder} from '../servers.ts';

/* What stands in front of our Node bridge, as the core does. */

const run = promisify(execFile);
const host = '127.0.0.1';

/** A proxy that does nothing else, as a process of our own with a folder of its own. */
export async function nginx(): Promise<Peer> {
  const PATH = [process.env.PATH, '/usr/sbin'].join(delimiter); // Debian puts it where not everybody looks
  const {stderr} = await run('nginx', ['-v'], {env: {PATH}});
  return {
    title: `nginx ${/nginx\/(\S+)/.exec(stderr)?.[1]}, in front of the bridge`,
    async prepare(name, stack) {
      const [folder, port, bridge] = [await temporaryFolder(stack), await newPort(), await bridgeProgram(name)];
      const file = join(folder, 'nginx.conf');
      await writeFile(file, nginxSettings(folder, port, bridge.port));
      const command = ['nginx', '-p', folder, '-c', file, '-e', 'stderr'] as const;
      return {before: bridge, program: {command, env: {PATH}, port, takes: 'calls'}};
    },
  };
}

/** The one on PATH, else built from its Go module. */
export async function ofWatchdog(peers: Peers): Promise<Peer> {
  const GOBIN = await peers.folder();
  const onPath = (await run('sh', ['-c', 'command -v of-watchdog']).catch(() => ({stdout: ''}))).stdout.trim();
  if (!onPath) await run('go', ['install', 'github.com/openfaas/of-watchdog@latest'], {env: {...process.env, GOBIN, GOFLAGS: '-mod=mod'}});
  const file = onPath || join(GOBIN, 'of-watchdog');
  const told = (await run('go', ['version', '-m', file]).catch(() => ({stdout: ''}))).stdout;
  const version = /^\s*mod\s+\S+\s+(\S+)/m.exec(told)?.[1] ?? 'of unknown version';
  return {
    title: `of-watchdog ${version} (http mode), in front of the bridge`,
    async prepare(name) {
      const [port, bridge] = [await newPort(), await bridgeProgram(name)];
      const settings = {
        ...{mode: 'http', port: String(port), upstream_url: `http://${host}:${bridge.port}`, fprocess: bridge.command.join(' ')},
        ...{prefix_logs: 'false', suppress_lock: 'true', healthcheck_interval: '1s'},
        max_inflight: name === 'busy' ? '40' : '0', // as many as our core runs and lets wait in that bench
      };
      return {program: {command: [file], env: {...bridge.env, ...settings}, port, takes: 'calls'}};
    },
  };
}

/** Ours: `bench/peers/go/standin` says what it does and what it does not. */
export async function goStandIn(peers: Peers): Promise<Peer> {
  const file = join(await peers.folder(), 'stand-in');
  await run('go', ['build', '-o', file, './standin'], {cwd: projectFile('bench/peers/go')});
  const version = (await run('go', ['env', 'GOVERSION'])).stdout.trim().replace('go', 'Go ');
  return {
    title: `Go stand-in (ours, not the original core; ${version}), in front of the bridge`,
    async prepare(name) {
      const [port, bridge] = [await newPort(), await bridgeProgram(name)];
      return {program: {command: [file, ...bridge.command], env: {...bridge.env, PORT: String(port)}, port}};
    },
  };
}

export const nginxSettings = (folder: string, port: number, upstream: number) => `
daemon off;
worker_processes 1;
${userInfo().uid === 0 ? `user ${userInfo().username};` : ''}
pid ${folder}/nginx.pid;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 100000000;
  client_max_body_size 64m;
  client_body_buffer_size 16m;
  proxy_max_temp_file_size 0;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  scgi_temp_path ${folder}/scgi;
  uwsgi_temp_path ${folder}/uwsgi;
  upstream bridge { server ${host}:${upstream}; keepalive 64; keepalive_requests 100000000; }
  server {
    listen ${host}:${port};
    location / { proxy_pass http://bridge; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`;
