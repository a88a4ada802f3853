import {Fault} from '../../errors.ts';
import type {Deadline} from '../../runtime.ts';
import {retryAfterS} from './service-time.ts';

/** @param queueMs how long it will take to serve the present queue */
export const busy = (queueMs: number) => new Fault('POOL_BUSY', {retryAfterS: retryAfterS(queueMs)});

export const notReady = (waitedMs: number, queueMs: number) =>
  new Fault('POOL_NOT_READY', {
    message: `The sub-runtime was not ready within ${waitedMs} ms`,
    retryAfterS: retryAfterS(queueMs),
  });

export const tooLate = ({timeoutMs}: Deadline) =>
  new Fault('UPSTREAM_TIMEOUT', {message: `No sub-runtime was free to answer within ${timeoutMs} ms`, reached: false});
