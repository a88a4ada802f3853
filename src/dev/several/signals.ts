import {systemClock} from '../../clock.ts';
import {exit} from '../../exit.ts';
import {watchTerminal} from '../../serve/terminal.ts';
import type {Controls} from '../terminal/actions.ts';
import type {Front} from './front.ts';
import type {Members} from './members.ts';

/** npm forwards a Ctrl-C that the terminal has also delivered: a second signal sooner than this is the same one. */
const sameSignalMs = 1000;
/** Cores that were told to stop at once have this much time. */
const atOnceMs = 2000;
/** When the cores have ended, what they have answered leaves within this time. */
const lastBytesMs = 1000;

/** Lets requests in flight finish, and ends this process when each core has ended. A second signal ends them at once. */
export function stopOnSignals(members: Members, front: Front): Omit<Controls, 'openInBrowser'> {
  let stoppingSince: number | undefined;
  const onSignal = () => {
    if (stoppingSince === undefined) {
      stoppingSince = systemClock.monotonic();
      void stop();
    } else if (systemClock.monotonic() - stoppingSince >= sameSignalMs) {
      process.exitCode = exit.failed;
      void members.stop();
      systemClock.after(atOnceMs, () => members.kill());
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
  const isTerminalClosed = watchTerminal();
  process.on('SIGHUP', () => (isTerminalClosed() ? onSignal() : members.reload()));
  return {reload: () => members.reload(), stop: () => process.kill(process.pid, 'SIGINT'), abandon};

  function abandon(): void {
    members.kill();
    process.exit(exit.failed);
  }

  async function stop(): Promise<void> {
    const closed = front[Symbol.asyncDispose]();
    await members.stop();
    await Promise.race([closed, systemClock.sleep(lastBytesMs)]);
    process.exit(); // with 0, unless a second signal has set another code
  }
}
