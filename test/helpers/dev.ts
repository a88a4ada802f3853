import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {systemClock} from '../../src/clock.ts';
import type {Teardown} from './core.ts';
import {endingWithUs} from './process.ts';
import {cliProgram} from './programs.ts';
import {ask} from './request.ts';

/** `core-runtime dev`, on free ports, in a process of its own; it ends with the test. */
export interface RunningDev {
  /** Where the front listens. */
  readonly url: string;
  readonly pid: number;
  /** Everything printed so far. */
  output(): string;
  /** Resolves when what was printed fits. */
  printed(pattern: RegExp): Promise<void>;
  /** Sends SIGINT, as Ctrl-C does, and waits for the end. @returns the exit code */
  stop(): Promise<number | null>;
}

type Started = Omit<RunningDev, 'url'>;

/** @returns once it has said where it serves several functions, and each has started or failed, however long that takes */
export async function startSeveral(
  args: readonly string[],
  cwd: string,
  t: Teardown,
  env: Record<string, string> = {},
): Promise<RunningDev> {
  const dev = await startFront(args, cwd, t, env);
  const [, console = ''] = /console (?:of all is on|) *(http:\S+)\/\n/.exec(dev.output()) ?? [];
  const headers: Record<string, string> = env.CORE_ADMIN_TOKEN ? {Authorization: `Bearer ${env.CORE_ADMIN_TOKEN}`} : {};
  while (/"starting"/.test((await ask(`${console}/functions`, {headers})).text())) await systemClock.sleep(10);
  return dev;
}

/** @returns once it has said where it serves; a function may still be starting then */
export async function startFront(args: readonly string[], cwd: string, t: Teardown, env: Record<string, string> = {}): Promise<RunningDev> {
  const started = start(args, cwd, t, env);
  await started.printed(/Serving on http:\S+, which lists/);
  await started.printed(/console (of all is on|) *http:\S+\/\n/); // before it, where a function has started
  const [, url = ''] = /Serving on (http:\S+), which lists/.exec(started.output()) ?? [];
  return {url, ...started};
}

/** With the log as JSON. @returns once two cores listen */
export async function startJson(args: readonly string[], cwd: string, t: Teardown): Promise<Started> {
  const started = start([...args, '--log-format', 'json'], cwd, t, {});
  await started.printed(/"Listening"[\s\S]*"Listening".*\n/);
  return started;
}

function start(args: readonly string[], cwd: string, t: Teardown, env: Record<string, string>): Started {
  const {PATH = '', HOME = '', NODE_V8_COVERAGE} = process.env;
  const own = {PATH, HOME, ...(NODE_V8_COVERAGE && {NODE_V8_COVERAGE}), PORT: '0', CORE_ADMIN_PORT: '0', CORE_JOURNAL: 'memory:', ...env};
  const [file, words] = endingWithUs([process.execPath, cliProgram, 'dev', ...args]);
  const child = spawn(file, words, {cwd, env: own, stdio: ['ignore', 'pipe', 'pipe']});
  const ended = once(child, 'close');
  let output = '';
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      for (const look of waiting) look();
    });
  }
  const printed = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!pattern.test(output)) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
      void ended.then(() => reject(new Error(`dev ended and printed only: ${output}`)));
    });
  async function stop(): Promise<number | null> {
    child.kill('SIGINT');
    const [code] = await ended;
    return code;
  }
  t.teardown(stop);
  return {pid: child.pid ?? 0, output: () => output, printed, stop};
}
