import {inspect} from 'node:util';
import {attempt} from '../attempt.ts';
import {systemClock} from '../clock.ts';
import {exit} from '../exit.ts';
import {boundGarbage} from '../limits/heap.ts';
import {staySmall} from '../limits/small-start.ts';
import type {Environment} from '../settings/setting.ts';
import {closeInherited} from '../workers/process/inherited.ts';
import {recordConsole} from './console-lines.ts';
import {reportRefusal} from './refused.ts';
import type {Served, ServeOptions} from './serve.ts';
import {serve} from './serve.ts';
import {watchTerminal} from './terminal.ts';

/** npm forwards a Ctrl-C that the terminal has also delivered: a second signal sooner than this is the same one. */
const sameSignalMs = 1000;

export interface RunOptions extends ServeOptions {
  onServed?(served: Served): void;
  /** What SIGHUP asks for. By default that newer code takes over. */
  reload?(served: Served): Promise<unknown>;
}

/** Serves until a signal comes, and maps what happened to an exit code. */
export async function run(env: Environment, options: RunOptions = {}): Promise<void> {
  closeInherited([env.NODE_EXTRA_CA_CERTS, env.SSL_CERT_FILE]);
  const whenServed = Promise.withResolvers<Served>();
  // A signal may come during the start. Then what has started by then must be stopped.
  let served: Served | undefined;
  let stoppingSince: number | undefined;
  if (!options.observer) recordConsole(() => served?.log);
  const onSignal = (signal: NodeJS.Signals) => {
    if (stoppingSince === undefined) {
      stoppingSince = systemClock.monotonic();
      if (served) void stop(served, signal);
    } else if (systemClock.monotonic() - stoppingSince >= sameSignalMs) {
      served?.log.warn({signal}, 'Second signal: stopping at once');
      served?.abandon();
      process.exit(exit.failed);
    }
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  const reload = reloadAgain(async () => {
    const it = await whenServed.promise;
    await (options.reload ? options.reload(it) : it.reload());
  });
  const isTerminalClosed = watchTerminal();
  process.on('SIGHUP', signal => {
    if (isTerminalClosed()) onSignal(signal);
    else reload();
  });
  process.on('uncaughtException', error => {
    if (!served) {
      console.error(error); // of the core or of a package that it was loading: the stack says which
      process.exit(exit.failed);
    }
    const trigger = served.originOf(error);
    // Anything can be thrown, even what throws when it is looked at.
    const stack = attempt(() => (error instanceof Error ? error.stack : inspect(error))) ?? 'It cannot be shown';
    if (trigger === undefined) served.log.error({stack}, 'A bug in the core: draining, then exit');
    else served.log.error({trigger, stack}, 'A trigger threw an error that nothing catches: draining, then exit');
    process.exitCode = exit.failed;
    if (stoppingSince === undefined) {
      stoppingSince = systemClock.monotonic();
      void stop(served, 'uncaughtException');
    }
  });

  try {
    served = await serve(env, options);
  } catch (error) {
    process.exit(reportRefusal(error, env));
  }
  whenServed.resolve(served);
  boundGarbage();
  staySmall();
  options.onServed?.(served);
  if (stoppingSince !== undefined) await stop(served, 'a signal during the start');
}

/** A signal during a reload asks for one more reload, as the code may have changed since. Several signals ask for one, too. */
function reloadAgain(reload: () => Promise<void>): () => void {
  let isAsked = false;
  let isRunning = false;
  return async function hangUp() {
    isAsked = true;
    if (isRunning) return;
    isRunning = true;
    while (isAsked) {
      isAsked = false;
      await reload();
    }
    isRunning = false;
  };
}

async function stop(served: Served, why: string): Promise<void> {
  served.log.info({why}, 'Asked to stop');
  try {
    await served.stop();
  } catch (error) {
    console.error(error);
    process.exit(exit.failed);
  }
  process.exit(); // with 0, unless a bug has set another code
}
