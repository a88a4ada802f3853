import {rm, writeFile} from 'node:fs/promises';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {reloaderOf} from '../../src/dev/reload.ts';
import type {ReloadOutcome} from '../../src/dev/reporter.ts';
import type {FunctionSpec} from '../../src/runtime.ts';
import {superseded} from '../../src/workers/index.ts';
import {ManualClock} from '../helpers/clock.ts';
import {folderWith} from '../helpers/folder.ts';

type Reload = (newer?: {env?: Readonly<Record<string, string | undefined>>}) => Promise<string | undefined>;

async function reloading(t: ExecutionContext, served: Reload, env: Readonly<Record<string, string>> = {}) {
  const folder = await folderWith(t, {'handler.js': '', '.env': 'A=1'});
  const notes: string[] = [];
  const reported: ReloadOutcome[] = [];
  const at = (name: string) => path.join(folder, name);
  const reload = reloaderOf(
    {reload: served, spec: {handlerPath: at('handler.js')} as FunctionSpec},
    {
      wish: {handlerPath: at('handler.js'), folder, isBinary: false},
      env,
      clock: new ManualClock(),
      reporter: {reloaded: outcome => void reported.push(outcome), noted: line => void notes.push(line)},
    },
  );
  return {at, reload, notes, reported};
}

test('a handler that does not exist any more is reported, and nothing is started', async t => {
  const {at, reload, reported} = await reloading(t, async () => t.fail());
  await rm(at('handler.js'));
  const outcome = {kind: 'missing', file: at('handler.js'), changed: ['handler.js'], tookMs: 0} as const;
  t.deepEqual(await reload(['handler.js']), outcome);
  t.deepEqual(reported, [outcome]);
});

test('code that cannot be loaded, and a file of variables that cannot be read, are reported once', async t => {
  const {at, reload, reported} = await reloading(t, async () => 'SyntaxError');
  t.like(await reload(), {kind: 'failed', error: 'SyntaxError', changed: []});
  await writeFile(at('.env'), 'a'.repeat(2 ** 20 + 1));
  t.like(await reload(['.env']), {kind: 'failed', changed: ['.env']});
  t.is(reported.length, 2);
});

test('a reload has the variables of the file as it is now; a setting of the core that changed is noted once', async t => {
  const seen: unknown[] = [];
  const {at, reload, notes} = await reloading(t, async newer => void seen.push(newer?.env?.A, newer?.env?.B), {B: 'environment'});
  await writeFile(at('.env'), 'A=2\nB=2\nCORE_TIMEOUT=1s');
  await reload(['.env']);
  await reload(['.env']);
  t.deepEqual(seen, ['2', 'environment', '2', 'environment']);
  t.deepEqual(notes, ['CORE_TIMEOUT changed: that counts once dev is started again']);
});

test('a reload that a newer one superseded is not reported, and what changed before it is named with it', async t => {
  const older = Promise.withResolvers<string | undefined>();
  let times = 0;
  const {reload, reported} = await reloading(t, () => {
    times++;
    return times === 1 ? older.promise : Promise.resolve(undefined);
  });
  const first = reload(['a.js']);
  const second = reload(['b.js']);
  older.resolve(superseded);
  t.deepEqual(await first, {kind: 'reloaded', changed: ['a.js', 'b.js'], tookMs: 0});
  t.is(await first, await second);
  t.is(reported.length, 1);
});
