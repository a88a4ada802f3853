import {execFile} from 'node:child_process';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {systemClock} from '../../src/clock.ts';
import {ordinaryUser, pathOfPostgres} from '../../test/helpers/postgres-server.ts';
import {newPort, type Program, type Server, start, temporaryFolder} from '../servers.ts';

const run = promisify(execFile);

export interface Database {
  /** With its version and the settings that its promise depends on. */
  readonly title: string;
  readonly port: number;
  readonly server: Server;
}

/**
PostgreSQL in a folder of its own. A commit is acknowledged when it is on the disk.

@throws Error when it is not installed
*/
export async function startPostgres(stack: AsyncDisposableStack): Promise<Database> {
  const env = {PATH: await pathOfPostgres()};
  const version = versionIn((await run('postgres', ['--version'], {env})).stdout);
  const [folder, port] = [await temporaryFolder(stack), await newPort()];
  const user = await ordinaryUser(folder);
  const data = join(folder, 'data');
  await run('initdb', ['-D', data, '-U', 'bench', '-A', 'trust', '-E', 'UTF8', '--locale', 'C', '--no-sync'], {env, cwd: folder, ...user});
  const durable = ['fsync=on', 'synchronous_commit=on', 'full_page_writes=on', 'max_wal_size=4GB'].flatMap(each => ['-c', each]);
  const command = ['postgres', '-D', data, '-h', '127.0.0.1', '-p', String(port), '-k', folder, ...durable] as const;
  const program: Program = {command, env, cwd: folder, port, ...user};
  const server = await start(program, stack);
  await untilItAnswers(() => run('psql', ['-h', '127.0.0.1', '-p', String(port), '-U', 'bench', '-c', 'select 1', 'postgres'], {env}));
  return {title: `PostgreSQL ${version}, fsync on`, port, server};
}

/**
Redis in a folder of its own. A command is answered when it is in the append-only file and on the disk. It does not write
this file anew meanwhile: a round of some seconds would have all of it, or none.

@throws Error when it is not installed
*/
export async function startRedis(stack: AsyncDisposableStack): Promise<Database> {
  const version = versionIn((await run('redis-server', ['--version'])).stdout);
  const [folder, port] = [await temporaryFolder(stack), await newPort()];
  const durable = [
    '--appendonly',
    'yes',
    '--appendfsync',
    'always',
    '--auto-aof-rewrite-percentage',
    '0',
    '--save',
    '',
    '--maxmemory-policy',
    'noeviction',
  ];
  const command = ['redis-server', '--bind', '127.0.0.1', '--port', String(port), '--dir', folder, ...durable] as const;
  const server = await start({command, port}, stack);
  return {title: `Redis ${version}, appendfsync always`, port, server};
}

/** It listens before it has started up. */
async function untilItAnswers(ask: () => Promise<unknown>): Promise<void> {
  for (let wait = 0; ; wait++) {
    try {
      return void (await ask());
    } catch (error) {
      if (wait === 100) throw error;
      await systemClock.sleep(100);
    }
  }
}

const versionIn = (text: string) => /\d+(\.\d+)+/.exec(text)?.[0] ?? '';
