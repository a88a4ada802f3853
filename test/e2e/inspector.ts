import {readdirSync, readFileSync, readlinkSync} from 'node:fs';
import test from 'ava';
import {projectFile, startCore} from '../helpers/core.ts';
import {below} from '../helpers/process.ts';
import {ask} from '../helpers/request.ts';

/** The inodes of the sockets that a process listens on (state 0A of /proc/net/tcp). */
function listeners(pid: number): string[] {
  const own = new Set(
    readdirSync(`/proc/${pid}/fd`).map(fd => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        return ''; // closed meanwhile
      }
    }),
  );
  const rows = ['tcp', 'tcp6'].flatMap(name => readFileSync(`/proc/${pid}/net/${name}`, 'utf8').split('\n').slice(1));
  return rows
    .map(row => row.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === '0A' && own.has(`socket:[${inode}]`))
    .map(([, address]) => address ?? '')
    .sort();
}

test('SIGUSR1 opens no inspector, in no process of the core', async t => {
  const handler = {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/mirror.cjs')};
  const core = await startCore({...handler, CORE_PROCESSES: '2'}, t);
  const siblings = below(core.pid).filter(pid => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('sibling'));
  t.is(siblings.length, 1);
  for (const pid of siblings) t.regex(readFileSync(`/proc/${pid}/cmdline`, 'latin1'), /--disable-sigusr1/);
  const processes = [core.pid, ...siblings];
  const before = processes.map(listeners);
  for (let round = 0; round < 20; round++) {
    for (const pid of processes) process.kill(pid, 'SIGUSR1');
    t.is((await ask(core.url)).status, 200);
  }
  t.deepEqual(processes.map(listeners), before);
  t.notRegex(core.stderr(), /Debugger/);
  t.is(await core.stop(), 0);
});
