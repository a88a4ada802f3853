import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {accessSync, constants} from 'node:fs';
import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {delimiter, join} from 'node:path';
import type {Machine} from './networks.ts';
import {freePort} from './port.ts';
import {endingWithUs} from './process.ts';

/*
Real NATS servers with JetStream, on free ports of the loopback, which end with the test. `CORE_TEST_NATS` is the folder of
the program, as .ci/run fills it; else it is looked for on the path.
*/

const folders = [process.env.CORE_TEST_NATS ?? join(tmpdir(), 'core-runtime-nats'), ...(process.env.PATH ?? '').split(delimiter)];

/** The program; undefined where there is none. */
export const natsServer: string | undefined = folders.map(folder => join(folder, 'nats-server')).find(isProgram);

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** How a test asks JetStream: a server that syncs each write may be slow to answer where the disk is busy. */
export const patient = {timeout: 60_000};

export interface NatsNode {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Where it is watched over HTTP. */
  readonly monitor: string;
  readonly process: ChildProcess;
  /** Its configuration file, which it reads when it starts. */
  readonly config: string;
  /** Ends it by this signal, and waits until it has ended. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again, with what it has on the disk. */
  start(): Promise<void>;
}

export interface NatsCluster extends AsyncDisposable {
  readonly nodes: readonly NatsNode[];
  /** `host:port,host:port`. */
  readonly hosts: string;
  /** Where all of them are watched, as CORE_JOURNAL_SYNCED names it. */
  readonly monitors: string;
}

export interface NatsOptions {
  /** How often it syncs; `always` at every write. */
  readonly sync?: string;
  /** Lines of its configuration file besides. */
  readonly more?: string;
  /** Where they run; else all on the loopback. */
  readonly machines?: readonly Machine[];
}

/** Starts one or three servers, and waits until they serve. */
export async function startNats(count: 1 | 3, {sync = 'always', more = '', machines = []}: NatsOptions = {}): Promise<NatsCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'core-runtime-nats-'));
  const ports = await Promise.all(Array.from({length: count * 3}, freePort));
  const hostOf = (index: number) => machines[index]?.ip ?? '127.0.0.1';
  const routes = Array.from({length: count}, (_, index) => `nats://${hostOf(index)}:${ports[count + index]}`);
  const nodes = await Promise.all(
    Array.from({length: count}, async (_, index) => {
      const store = join(folder, `n${index}`);
      await mkdir(store);
      const others = routes.map(route => `"${route}"`).join(', ');
      // As docs/journal-nats.md advises.
      const pings = 'ping_interval: "1s", ping_max: 2';
      const cluster = `cluster {name: test, listen: "${hostOf(index)}:${ports[count + index]}", routes: [${others}], ${pings}}`;
      await writeFile(
        `${store}.conf`,
        [
          `server_name: n${index}`,
          `listen: "${hostOf(index)}:${ports[index]}"`,
          `http: "${hostOf(index)}:${ports[2 * count + index]}"`,
          `jetstream {store_dir: "${store}", sync_interval: ${sync}, max_mem: 64MB, max_file: 8GB}`,
          count > 1 ? cluster : '',
          more,
        ].join('\n'),
      );
      return nodeOf(
        `n${index}`,
        `${store}.conf`,
        {host: hostOf(index), prefix: machines[index]?.prefix ?? []},
        ports[index] ?? 0,
        ports[2 * count + index] ?? 0,
      );
    }),
  );
  const end = () => {
    for (const {
      process: {pid, exitCode},
    } of nodes)
      if (pid !== undefined && exitCode === null) process.kill(pid, 'SIGKILL');
  };
  process.once('exit', end);
  await Promise.all(nodes.map(node => node.start()));
  return {
    nodes,
    hosts: nodes.map(({host, port}) => `${host}:${port}`).join(','),
    monitors: nodes.map(({monitor}) => monitor).join(','),
    async [Symbol.asyncDispose]() {
      process.off('exit', end);
      await Promise.all(nodes.map(node => node.kill('SIGKILL')));
      await rm(folder, {recursive: true, force: true, maxRetries: 5});
    },
  };
}

function nodeOf(
  name: string,
  config: string,
  {host, prefix}: {host: string; prefix: readonly string[]},
  port: number,
  monitorPort: number,
): NatsNode {
  let child: ChildProcess;
  const monitor = `http://${host}:${monitorPort}`;
  return {
    name,
    host,
    port,
    monitor,
    config,
    get process() {
      return child;
    },
    async kill(signal = 'SIGKILL') {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill(signal);
      if (signal === 'SIGKILL' || signal === 'SIGTERM') await ended;
    },
    async start() {
      // TMPDIR may be small or shared; the store is in a folder of its own.
      const [file = '', ...args] = [...prefix, natsServer ?? 'nats-server', '-c', config];
      child = spawn(...endingWithUs([file, ...args]), {stdio: 'ignore'}); // `ip netns exec` becomes the program
      await once(child, 'spawn');
      await healthy(monitor);
    },
  };
}

async function healthy(monitor: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const answer = await fetch(`${monitor}/healthz?js-enabled-only=true`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  throw new Error(`The NATS server at ${monitor} did not become healthy within 30 s`);
}
