import {readdirSync, readFileSync, readlinkSync} from 'node:fs';
import test from 'ava';
import {attempt} from '../../src/attempt.ts';
import {groupMembers} from '../../src/workers/proc/group.ts';
import {projectFile, startCore} from '../helpers/core.ts';
import {below} from '../helpers/process.ts';
import {ask} from '../helpers/request.ts';

const languages = [
  ['node', 'examples/01-hello-node/handler.js'],
  ['python', 'examples/02-hello-python/handler.py'],
  ['php', 'examples/04-hello-php/handler.php'],
] as const;

for (const [language, example] of languages) {
  for (const [hop, listens] of [
    ['http', true],
    ['auto', false],
  ] as const) {
    test(`${language}: the function's processes ${listens ? 'listen when they are called over HTTP' : 'listen nowhere'}`, async t => {
      const core = await startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: projectFile(example), CORE_HOP: hop}, t);
      t.is((await ask(core.url)).status, 200);
      const sockets = listening();
      const held = below(core.pid)
        .flatMap(leader => groupMembers(leader)) // PHP's server has no parent any more
        .flatMap(socketsOf)
        .filter(socket => sockets.has(socket));
      t.is(held.length > 0, listens);
    });
  }
}

/** The inodes of sockets on which somebody listens, TCP and Unix. */
function listening(): Set<string> {
  const tcp = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap(rowsOf).filter(row => row[3] === '0A');
  const unix = rowsOf('/proc/net/unix').filter(row => row[3] === '00010000');
  return new Set([...tcp.map(row => row[9] ?? ''), ...unix.map(row => row[6] ?? '')]);
}

const rowsOf = (file: string) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .slice(1)
    .map(line => line.trim().split(/\s+/));

/** The inodes of a process's sockets. One that has ended has none. */
function socketsOf(pid: string): string[] {
  const descriptors = attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
  const targets = descriptors.map(descriptor => attempt(() => readlinkSync(`/proc/${pid}/fd/${descriptor}`)) ?? ''); // it may be closed by now
  return targets.flatMap(target => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []);
}
