import type {Clock} from '../../src/clock.ts';
import {Fault} from '../../src/errors.ts';
import {notInTime} from '../../src/hop/fault.ts';
import type {CallEnd, Hop} from '../../src/hop/hop.ts';
import type {PassedReply, PassedRequest} from '../../src/passing.ts';
import type {PortOptions} from '../../src/protocol.ts';
import type {RuntimeCall} from '../../src/runtime.ts';
import {Batch} from './batch.ts';
import {Connections} from './connections.ts';
import type {HopHouse} from './house.ts';
import {OpenCalls} from './open-calls.ts';
import {PassedCall} from './passed-call.ts';
import {headWriter} from './request-head.ts';

/** The way to an HTTP server: each request goes on a connection of its own, as it came. */
export class PassingHop implements Hop, HopHouse {
  readonly isChannel = false;
  readonly isUnasked = true;
  readonly isDoubtful = false;
  readonly isSilent = false;
  readonly clock: Clock;
  readonly options: PortOptions;
  readonly connections: Connections;
  readonly calls: OpenCalls;
  readonly batch = new Batch();
  readonly writeHead: ReturnType<typeof headWriter>;
  /** When it last began to answer, on the monotonic clock. */
  answeredAt = Number.NEGATIVE_INFINITY;

  constructor(options: PortOptions, clock: Clock) {
    this.options = options;
    this.clock = clock;
    this.connections = new Connections(options, options.connections, clock);
    this.calls = new OpenCalls(clock);
    this.writeHead = headWriter(options.bridgeToken);
  }

  /**
  One request.

  @param ended called once, when the server has answered whole, or the connection is gone
  @param givenUp called when nobody waits any more for the rest of an answer
  @throws NotSent when the connection was refused
  @throws Fault UPSTREAM_TIMEOUT at the deadline, CALLER_LEFT when the signal aborted, UPSTREAM_LOST when it broke off before
  the head of an answer, UPSTREAM_PROTOCOL otherwise; the fault of the body that came
  */
  send(call: RuntimeCall, ended: (end: CallEnd) => void, givenUp: () => void): Promise<PassedReply> {
    const now = this.clock.monotonic();
    const {signal, deadline, timeoutMs} = call;
    const refusal = signal?.aborted ? new Fault('CALLER_LEFT') : now >= deadline ? notInTime(timeoutMs) : undefined;
    if (!refusal)
      return new Promise((resolve, reject) => new PassedCall(this, call, requestOf(call), {resolve, reject, ended, givenUp}).start(now));
    ended(unsent);
    return Promise.reject(refusal);
  }

  /** Breaks off every call: the process is gone. */
  destroy(reason: Fault): void {
    this.calls.lose(reason);
    this.connections.destroy();
  }
}

const unsent: CallEnd = {mayRun: false, sentWhole: false, broke: false, byHost: false, answered: false, isOver: true};

function requestOf({event}: RuntimeCall): PassedRequest {
  if ('target' in event) return event;
  throw new TypeError('Expected a request that is passed on, got an event');
}
