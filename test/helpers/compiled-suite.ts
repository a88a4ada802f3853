import test from 'ava';
import {accepts} from '../../src/workers/process/port.ts';
import {startCore} from './core.ts';
import {freePort} from './port.ts';
import {ask} from './request.ts';
import {askAndLeave} from './supervision.ts';

/** What the core does with a program whose library speaks on the channel. */
export function compiledSuite(language: string, program: string): void {
  const environment = (name: string) => ({
    SCW_HANDLER_PATH: program,
    SCW_HANDLER_NAME: name,
    SCW_HANDLER_IS_BINARY: 'true',
    SCW_PUBLIC: 'true',
    CORE_CONCURRENCY: '1',
  });

  for (const hop of ['auto', 'http'] as const) {
    test.serial(`${language}: bytes come and go through the core with CORE_HOP=${hop}`, async t => {
      const port = await freePort();
      const core = await startCore({...environment('bytes'), CORE_HOP: hop, SCW_UPSTREAM_PORT: String(port)}, t);
      const bytes = Buffer.alloc(3_000_000, Buffer.from([0, 255, 128, 10, 34]));
      const {status, body} = await ask(core.url, {method: 'POST', body: bytes});
      t.is(status, 200);
      t.true(bytes.equals(body));
      t.is(await accepts('127.0.0.1', port), hop === 'http');
      t.is(await core.stop(), 0);
    });
  }

  test.serial(`${language}: with CORE_CANCEL=abort a call whose caller left ends, and its place is free`, async t => {
    const core = await startCore({...environment('stays'), CORE_CANCEL: 'abort'}, t);
    for (let i = 1; i <= 2; i++) {
      const caller = askAndLeave(core.url, {});
      await until(() => core.logs.filter(({msg}) => msg === 'running').length === i);
      caller.leave();
      await until(() => core.logs.filter(({msg}) => msg === 'dropped').length === i);
    }
    t.is(await core.stop(), 0);
  });
}

/** The test's own time limit ends the wait. */
async function until(claim: () => boolean): Promise<void> {
  while (!claim()) await new Promise(resolve => setTimeout(resolve, 5));
}
