import {Fault} from '../../src/errors.ts';
import type {CallEnd, Hop} from '../../src/hop/hop.ts';
import type {RuntimeCall, RuntimeReply} from '../../src/runtime.ts';
import {Member} from '../../src/workers/pool/member.ts';
import {ManualClock} from './clock.ts';
import {writtenEvent} from './event.ts';
import {quietHop, whole} from './pool.ts';

/** How a call fails whose connection broke off. */
export const lost = (message: string) => new Fault('UPSTREAM_LOST', {message});

/** A member in which the test says how calls go on; one place is taken and its call is sent. */
export function openMember(some: Partial<RuntimeCall> = {}, isEnding = () => false, timeoutMs = 5000, concurrency = 1, reportsEnds = true) {
  const clock = new ManualClock();
  const told: string[] = [];
  const reply = Promise.withResolvers<RuntimeReply>();
  let ended: (end: CallEnd) => void = () => {};
  const upstream: Hop = {
    ...quietHop,
    send(_call: RuntimeCall, onEnd: (end: CallEnd) => void) {
      ended = onEnd;
      return reply.promise;
    },
    destroy: () => void told.push('destroyed'),
  };
  const member = new Member({
    upstream,
    address: {host: '127.0.0.1', port: 1},
    concurrency,
    timeoutMs,
    clock,
    reportsEnds,
    onStuck: () => void told.push('stuck'),
    onAnswered: () => void told.push('answered'),
    isEnding,
  });
  const call: RuntimeCall = {
    invocationId: 'id-1',
    event: writtenEvent(),
    deadlineMs: 0,
    deadline: 5000,
    timeoutMs: 5000,
    signal: undefined,
    trace: undefined,
    ...some,
  };
  const place = member.take(0);
  const sent = place.send(call, () => void told.push('ended'));
  sent.catch(() => {});
  const end = (how: Partial<CallEnd> = {}) => ended({...whole, ...how});
  /** One more call, which ends so at once. */
  const again = (how: Partial<CallEnd>) => {
    void member.take(0).send({...call, invocationId: 'id-2'}, () => {});
    end(how);
  };
  return {clock, told, member, sent, reply, end, again};
}
