import {execFileSync} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {readdirSync, statSync} from 'node:fs';
import {rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {systemClock} from '../../../src/clock.ts';
import {temporaryFolder} from '../../servers.ts';
import {callAtRate} from '../callers.ts';
import type {Gateway} from '../gateway.ts';
import type {Phase} from '../phase.ts';

const diskMiB = 64;
const journalMiB = 32;
const durableMs = 60_000;
const pollMs = 100;
/** HTTP facts are written a while after the answer. */
const keepMs = 500;
/** Base64 of random bytes does not compress. */
const body = randomBytes(192 * 1024).toString('base64');
/** Of the time of the phase, how often the disk is filled from outside and freed again. */
const fillEveryMs = 4000;
let folder = '';
let peakMiB = 0;

export const fullDisk: Phase = {
  name: 'full-disk',
  title: `bodies of 256 KiB are kept on a disk of ${diskMiB} MiB with a journal of at most ${journalMiB} MiB; every 4 s something else fills it for 2 s`,
  isOurs: true,
  others: {perSecond: 10, path: '?ms=5', method: 'POST', body: 'x'.repeat(1024)},
  env: {CORE_JOURNAL_HTTP: 'full', CORE_JOURNAL_MAX_SIZE: `${journalMiB}MiB`},
  bounds: {
    most: {slowestMs: 10_000, coreMiB: 512, journalMiB: 1.25 * journalMiB + 16, durableMs, startFailed: 0},
    least: {goodShare: 0.99},
  },
  unable: () => (process.platform === 'linux' && process.getuid?.() === 0 ? undefined : 'a disk of its own is mounted by root alone'),

  async prepare(stack) {
    folder = await temporaryFolder(stack);
    peakMiB = 0;
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskMiB}m`, 'tmpfs', folder]);
    const unmount = () => void execFileSync('umount', ['-l', folder]);
    process.prependOnceListener('exit', unmount); // before the folder is removed
    stack.defer(() => {
      process.removeListener('exit', unmount);
      unmount();
    });
    return {CORE_JOURNAL: `sqlite:${join(folder, 'journal.db')}`};
  },

  async attack({url}, over) {
    const ballast = join(folder, 'ballast');
    const bodies = callAtRate(() => url, {perSecond: 60, path: '', method: 'POST', body}, over);
    for (let round = 0; await systemClock.sleep(fillEveryMs / 2, over); round++) {
      peakMiB = Math.max(peakMiB, journalSizeMiB());
      if (round % 2 === 0)
        await writeFile(ballast, Buffer.alloc(diskMiB * 2 ** 20)).catch(() => {}); // until the disk is full
      else await rm(ballast, {force: true});
    }
    await rm(ballast, {force: true});
    await bodies;
  },

  async after(gateway) {
    const durableAfterMs = await durableWithin(gateway, durableMs);
    await gateway.stop();
    const started = await gateway.start().then(
      () => true,
      () => false,
    );
    return {journalMiB: Math.max(peakMiB, journalSizeMiB()), durableMs: durableAfterMs, startFailed: Number(!started)};
  },
};

function journalSizeMiB(): number {
  const sizes = readdirSync(folder).map(name => (name.startsWith('journal.db') ? statSync(join(folder, name)).size : 0));
  return sizes.reduce((sum, size) => sum + size, 0) / 2 ** 20;
}

/** Milliseconds until it says that it keeps facts, and keeps one; not a number when it does not in time. */
async function durableWithin(gateway: Gateway, ms: number): Promise<number> {
  const sinceMs = systemClock.monotonic();
  while (systemClock.monotonic() - sinceMs < ms) {
    if ((await isDurable(gateway)) && (await isKept(gateway))) return systemClock.monotonic() - sinceMs;
    await systemClock.sleep(pollMs);
  }
  return Number.NaN;
}

async function isDurable({adminUrl}: Gateway): Promise<boolean> {
  const {text} = await get(`${adminUrl}metrics`);
  return /^core_journal_durable 1$/m.test(text);
}

/** Whether a call of now is in the journal a little later. */
async function isKept({url, adminUrl}: Gateway): Promise<boolean> {
  const {id} = await get(url);
  await systemClock.sleep(keepMs);
  const {status} = await get(`${adminUrl}api/invocations/${id}`);
  return status === 200;
}

/** What came; nothing when nobody answered. */
async function get(url: string): Promise<{status: number; id: string; text: string}> {
  try {
    const answer = await fetch(url);
    return {status: answer.status, id: answer.headers.get('core-invocation-id') ?? '', text: await answer.text()};
  } catch {
    return {status: 0, id: '', text: ''};
  }
}
