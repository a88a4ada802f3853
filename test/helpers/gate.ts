import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {projectFile, type RunningCore, type Teardown} from './core.ts';
import {ask} from './request.ts';

/** A function that does not finish loading before the gate is opened; then it is the mirror. */
export async function loadGate(t: Teardown) {
  const folder = await mkdtemp(join(tmpdir(), 'gate-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const file = join(folder, 'open');
  return {
    env: {SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/gated.cjs'), LOAD_GATE: file},
    open: () => writeFile(file, ''),
    /** Opens once so many events wait for the sub-runtime. */
    async openWhenWaiting(core: RunningCore, events: number): Promise<void> {
      const waiting = new RegExp(`^core_queue_depth(?:{function="[^"]*"})? ${events}$`, 'm');
      while (!waiting.test((await ask(`${core.adminUrl}/metrics`)).text()));
      await writeFile(file, '');
    },
  };
}
