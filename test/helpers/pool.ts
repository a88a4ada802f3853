import type {Fault} from '../../src/errors.ts';
import type {CallEnd, Hop} from '../../src/hop/hop.ts';
import type {Deadline, Lease, RuntimeCall, RuntimeReply} from '../../src/runtime.ts';
import {Member} from '../../src/workers/pool/member.ts';
import {Pool, type PoolOptions} from '../../src/workers/pool/pool.ts';
import {ManualClock, settle} from './clock.ts';
import {runtimeCall} from './event.ts';
import {recordingMeter, runtimeReply} from './fakes.ts';

const options: PoolOptions = {queueLength: 3, queueWaitMs: 10_000, startTimeoutMs: 60_000};
export const address = {host: '127.0.0.1', port: 8081};
export const call = runtimeCall();
/** A deadline on the monotonic clock. */
export const at = (monotonicMs: number): Deadline => ({monotonicMs, timeoutMs: 5000});
export const never = at(Number.MAX_SAFE_INTEGER);

/** How a connection ends that was used and did not break. */
export const whole: CallEnd = {mayRun: true, sentWhole: true, broke: false, byHost: false, answered: false, isOver: false};

/** It is called over HTTP: nobody asks whether it is alive. */
export const quietHop = {isChannel: false, isUnasked: true, isDoubtful: false, isSilent: false};

const answeredAtOnce: RuntimeCall = {...call, invocationId: 'id-at-once'};

/** Uses a lease for a call that is answered at once: its place is free again. */
export const finish = (lease: Lease | undefined) => void lease?.send(answeredAtOnce);

/** As much of an upstream as a member uses: the test settles its calls. */
export class FakeUpstream implements Hop {
  readonly isChannel = false;
  readonly isUnasked = true;
  isDoubtful = false;
  isSilent = false;
  readonly calls: {resolve(reply: RuntimeReply, end?: Partial<CallEnd>): void; reject(error: Error, end?: Partial<CallEnd>): void}[] = [];
  destroyed: Fault | undefined;

  send(sent: RuntimeCall, ended: (end: CallEnd) => void): Promise<RuntimeReply> {
    if (sent === answeredAtOnce) {
      ended({...whole, answered: true});
      return Promise.resolve(runtimeReply('{}'));
    }
    const pending = Promise.withResolvers<RuntimeReply>();
    this.calls.push({
      resolve(reply, end) {
        ended({...whole, answered: true, ...end});
        pending.resolve(reply);
      },
      reject(error, end) {
        ended({...whole, ...end});
        pending.reject(error);
      },
    });
    return pending.promise;
  }

  destroy(reason: Fault): void {
    this.destroyed = reason;
    for (const pending of this.calls) pending.reject(reason);
  }
}

export function openPool({concurrency = 2, ...some}: Partial<PoolOptions & {concurrency: number}> = {}, clock = new ManualClock()) {
  const meter = recordingMeter();
  const pool = new Pool({...options, ...some}, clock, meter);
  const member = (upstream = new FakeUpstream()) =>
    new Member({
      upstream,
      address,
      concurrency,
      timeoutMs: 5000,
      clock,
      reportsEnds: true,
      onStuck() {},
      onAnswered() {},
      isEnding: () => false,
    });
  return {clock, meter, pool, member};
}

export function openReady(some: Partial<PoolOptions & {concurrency: number}> = {}, clock = new ManualClock()) {
  const house = openPool(some, clock);
  const upstream = new FakeUpstream();
  const first = house.member(upstream);
  house.pool.add(first);
  return {...house, upstream, first};
}

export const isPending = async (promise: Promise<unknown>) => {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  promise.then(over, over);
  await settle();
  return !isOver;
};
