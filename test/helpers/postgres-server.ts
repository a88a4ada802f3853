import {execFile, spawn} from 'node:child_process';
import {randomUUID} from 'node:crypto';
import {chown, mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises';
import net from 'node:net';
import {tmpdir} from 'node:os';
import {delimiter, join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import {promisify} from 'node:util';
import {freePort} from './port.ts';
import {below, endingWithUs, outputOf} from './process.ts';

const run = promisify(execFile);

/** A server of PostgreSQL in a folder of its own, on loopback. */
export interface PostgresServer extends AsyncDisposable {
  readonly port: number;
  /** Names a journal of its own, in a schema that no other test has. */
  place(): string;
  /** Runs SQL, as an administrator would. @returns what psql prints, without headings */
  sql(text: string): Promise<string>;
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>;
  /** Starts it again. */
  start(): Promise<void>;
}

/** The schema of a place. */
export const schemaOf = (place: string) => new URL(`postgres:${place}`).searchParams.get('schema');

/** Why there is no PostgreSQL here; undefined when there is. */
export async function postgresMissing(): Promise<string | undefined> {
  try {
    await run('postgres', ['--version'], {env: {PATH: await pathOfPostgres()}});
    return undefined;
  } catch {
    return 'PostgreSQL is not installed (Debian: postgresql)';
  }
}

export interface PostgresOptions {
  /** What it proves with who it is: then TLS is there, and nobody is let in without. */
  readonly tls?: {readonly cert: string; readonly key: string};
}

export async function startPostgres({tls}: PostgresOptions = {}): Promise<PostgresServer> {
  const env = {PATH: await pathOfPostgres()};
  const folder = await mkdtemp(join(tmpdir(), 'postgres-'));
  const user = await ordinaryUser(folder);
  const port = await freePort();
  const data = join(folder, 'data');
  const how = {env, cwd: folder, ...user};
  await run('initdb', ['-D', data, '-U', 'core', '-A', 'trust', '-E', 'UTF8', '--locale', 'C', '--no-sync'], how);
  const secure = tls ? await secured(data, tls, user) : [];
  let ended: Promise<unknown> = Promise.resolve();
  let kill = () => {};
  const server: PostgresServer = {
    port,
    place: () => `//core@127.0.0.1:${port}/postgres?schema=t_${randomUUID().replaceAll('-', '')}`,
    async sql(text) {
      const {stdout} = await run('psql', ['-h', '127.0.0.1', '-p', String(port), '-U', 'core', '-XtAc', text, 'postgres'], how);
      return stdout.trim();
    },
    async kill() {
      kill();
      await ended;
    },
    async start() {
      const [file, args] = endingWithUs([
        'postgres',
        '-D',
        data,
        '-h',
        '127.0.0.1',
        '-p',
        String(port),
        '-k',
        folder,
        '-c',
        'max_connections=500',
        ...secure,
      ]);
      // While a process of the one before has not quite ended a start is refused.
      for (let tries = 1; ; tries++) {
        const child = spawn(file, args, {...how, stdio: ['ignore', 'ignore', 'pipe']});
        const words = outputOf(child.stderr);
        const isOver = () => child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
        ended = new Promise(resolve => child.once('exit', resolve));
        // All its processes, as when its machine stops: that of a busy connection outlives the first one for as long as it is busy.
        kill = () => {
          if (child.pid === undefined || isOver()) return;
          child.kill('SIGSTOP'); // it makes no more of them
          for (const pid of [...below(child.pid), child.pid]) endNow(pid);
        };
        while (!isOver()) {
          if ((await answers(port)) && (await server.sql('SELECT 1').catch(() => ''))) return;
          await pause(50);
        }
        if (tries === 100) throw new Error(`PostgreSQL did not start: ${words().slice(-2000)}`);
        await pause(100);
      }
    },
    async [Symbol.asyncDispose]() {
      await server.kill();
      await rm(folder, {recursive: true, maxRetries: 20});
    },
  };
  await server.start();
  return server;
}

/** Puts a certificate where the server has its data. @returns arguments of the server */
async function secured(
  data: string,
  {cert, key}: {cert: string; key: string},
  {uid, gid}: {uid?: number; gid?: number},
): Promise<string[]> {
  const files = [
    [join(data, 'server.crt'), await readFile(cert)],
    [join(data, 'server.key'), await readFile(key)],
  ] as const;
  for (const [file, bytes] of files) {
    await writeFile(file, bytes, {mode: 0o600});
    if (uid !== undefined && gid !== undefined) await chown(file, uid, gid);
  }
  await writeFile(join(data, 'pg_hba.conf'), 'hostssl all all 127.0.0.1/32 trust\n');
  return ['-c', 'ssl=on'];
}

function endNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Debian keeps the programs of PostgreSQL off the path. */
export async function pathOfPostgres(): Promise<string> {
  const root = '/usr/lib/postgresql';
  const versions = await readdir(root).catch(() => []);
  const newestFirst = versions.toSorted((a, b) => Number(b) - Number(a));
  return [process.env.PATH, ...newestFirst.map(version => join(root, version, 'bin'))].join(delimiter);
}

/** PostgreSQL refuses to run as root: then it runs as nobody, who gets the folder. */
export async function ordinaryUser(folder: string): Promise<{uid?: number; gid?: number}> {
  if (process.getuid?.() !== 0) return {};
  const nobody = {uid: 65_534, gid: 65_534};
  await chown(folder, nobody.uid, nobody.gid);
  return nobody;
}
