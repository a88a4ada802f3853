import {createHash} from 'node:crypto';
import {once} from 'node:events';
import {readdirSync, readFileSync, readlinkSync, realpathSync, statSync} from 'node:fs';
import {createServer} from 'node:net';
import {hostname} from 'node:os';
import path from 'node:path';
import {makeFolders} from '../../folders.ts';
import {JournalHeld} from './lock.ts';

/** A holder that is closing frees the name a moment later. */
const mostTries = 3;

/**
Holds the path of a journal for this process until it ends. The lock beside the file moves with the folder. When the folder
is moved away, another core must not begin a second journal in its place while this one runs.

The hold is a name in Linux's abstract socket namespace. The system frees it with the process, and nothing is served there.
In another mount namespace, such as another container, the same path leads to other files, so the name is another one. On
other systems only the file has a lock.

@throws JournalHeld that names the holder
*/
export async function holdPath(journalPath: string): Promise<Disposable> {
  makeFolders(path.dirname(journalPath), 0o700);
  if (process.platform !== 'linux') return {[Symbol.dispose]() {}};
  const name = nameOf(journalPath);
  for (let tries = 1; ; tries++) {
    const server = await listen(name);
    if (server) return {[Symbol.dispose]: () => void server.close()};
    const holder = holderOf(name);
    if (holder !== undefined) throw new JournalHeld(`it is held by process ${holder} on ${hostname()}`);
    // A program of another user has the name. Then only the lock beside the file protects it.
    if (tries === mostTries) return {[Symbol.dispose]() {}};
  }
}

function nameOf(journalPath: string): string {
  const real = path.join(realpathSync(path.dirname(journalPath)), path.basename(journalPath));
  return `core-runtime-${createHash('sha256')
    .update(`${readlinkSync('/proc/self/ns/mnt')} ${real}`)
    .digest('hex')}`;
}

async function listen(name: string) {
  const server = createServer(socket => socket.destroy()).unref();
  try {
    server.listen({path: `\0${name}`});
    await once(server, 'listening');
    return server.on('error', () => {});
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined; // listen fails with errors of the system only
    throw error;
  }
}

/** The process of this user that has the socket of that name; undefined when no process is found that we may inspect. */
function holderOf(name: string): string | undefined {
  const line = readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .find(each => each.endsWith(` @${name}`));
  const inode = line?.trim().split(/\s+/).at(-2);
  if (inode === undefined) return undefined;
  return readdirSync('/proc').find(pid => /^\d+$/.test(pid) && isOurs(pid) && hasSocket(pid, inode));
}

function isOurs(pid: string): boolean {
  return statSync(`/proc/${pid}`, {throwIfNoEntry: false})?.uid === process.geteuid?.();
}

function hasSocket(pid: string, inode: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some(fd => linkOf(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`);
  } catch {
    return false; // it has ended, or its files are hidden from us
  }
}

function linkOf(file: string): string | undefined {
  try {
    return readlinkSync(file);
  } catch {
    return undefined; // it was closed meanwhile
  }
}
