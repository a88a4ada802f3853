import {existsSync} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {projectFile, type RunningCore, startCore} from './core.ts';
import {writtenLines} from './lines.ts';

/** What the sub-runtime does once it has sent its bytes; see the fixture. */
export interface Manner {
  readonly end?: 'close' | 'reset' | 'flood';
  readonly drip?: string;
  readonly late?: string;
}

/** A core in front of a sub-runtime that answers with whatever bytes a test wants. */
export interface RawCore extends RunningCore {
  /** How often a path was run, by any process of the sub-runtime. */
  runsOf(path: string): number;
}

export async function startRawCore(env: Record<string, string> = {}): Promise<RawCore> {
  const folder = await mkdtemp(join(tmpdir(), 'raw-'));
  const runs = join(folder, 'runs');
  const core = await startCore({
    SCW_PUBLIC: 'true',
    SCW_HANDLER_PATH: projectFile('test/fixtures/raw-sub-runtime.cjs'),
    SCW_RUNTIME_BINARY: process.execPath,
    SCW_RUNTIME_BRIDGE: projectFile('test/fixtures/raw-sub-runtime.cjs'),
    SCW_PAYLOAD_MAX_SIZE: '64MiB',
    CORE_QUEUE_WAIT: '60s',
    RUNS: runs,
    ...env,
  });
  return {
    ...core,
    runsOf(path) {
      if (!existsSync(runs)) return 0;
      return writtenLines(runs).filter(line => line === path).length;
    },
    async stop() {
      const code = await core.stop();
      await rm(folder, {recursive: true});
      return code;
    },
  };
}

/** The bytes of a request, on a connection of its own or after others, whose reply is to be these bytes. */
export function requestFor(path: string, reply: string | Buffer, manner: Manner = {}, fields = ''): string {
  const body = (typeof reply === 'string' ? Buffer.from(reply, 'latin1') : reply).toString('base64');
  const query = new URLSearchParams({...manner}).toString();
  return `POST ${path}${query && `?${query}`} HTTP/1.1\r\nHost: a\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
}
