import {fork} from 'node:child_process';
import {once} from 'node:events';
import {systemClock} from '../../src/clock.ts';
import {projectFile} from '../../test/helpers/core.ts';
import {endWithUs} from '../servers.ts';
import type {Asked, QueueOptions} from './queue.ts';

export interface Driver {
  readonly pid: number;
  ask<Ask extends keyof Asked>(ask: Ask, options: Asked[Ask]['options']): Promise<Asked[Ask]['answer']>;
}

/**
Starts a process that uses a queue; it ends with the stack. It is asked one thing at a time.

@throws Error with its reason when it cannot open its queue
*/
export async function startDriver(queue: string, options: QueueOptions, stack: AsyncDisposableStack): Promise<Driver> {
  const child = fork(projectFile('bench/work/driver.ts'), [queue, JSON.stringify(options)], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  endWithUs(child);
  const ended = once(child, 'exit');
  stack.defer(async () => {
    if (child.connected) child.disconnect();
    const cancel = systemClock.after(10_000, () => child.kill('SIGKILL'));
    await ended;
    cancel();
  });
  await answer();
  return {
    pid: child.pid ?? 0,
    ask(ask, options) {
      child.send({ask, options});
      return answer();
    },
  };

  async function answer<Answer>(): Promise<Answer> {
    const over = new AbortController();
    const {signal} = over;
    const lost = once(child, 'exit', {signal}).then(() => [{error: 'the driver ended'}]);
    lost.catch(() => {}); // it goes on
    const [told] = await Promise.race([once(child, 'message', {signal}), lost]);
    over.abort();
    if (told.error !== undefined) throw new Error(told.error);
    return told.answer;
  }
}
