import type {Clock} from '../../src/clock.ts';
import type {Fault} from '../../src/errors.ts';
import type {CallEnd, Hop} from '../../src/hop/hop.ts';
import type {PassedReply, PassedRequest} from '../../src/passing.ts';
import type {PortOptions} from '../../src/protocol.ts';
import type {RuntimeCall} from '../../src/runtime.ts';
import {Connections} from './connections.ts';
import type {HopHouse} from './house.ts';
import {PassedCall} from './passed-call.ts';

/** The way to an HTTP server: each request goes on a connection of its own, as it came. */
export class PassingHop implements Hop, HopHouse {
  readonly isChannel = false;
  readonly isUnasked = true;
  readonly isDoubtful = false;
  readonly isSilent = false;
  readonly clock: Clock;
  readonly options: PortOptions;
  readonly connections: Connections;
  /** When it last began to answer, on the monotonic clock. */
  answeredAt = Number.NEGATIVE_INFINITY;
  readonly #calls = new Set<PassedCall>();

  constructor(options: PortOptions, clock: Clock) {
    this.options = options;
    this.clock = clock;
    this.connections = new Connections(options.connections);
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
    return new Promise((resolve, reject) => {
      const over = (end: CallEnd) => {
        this.#calls.delete(passed);
        ended(end);
      };
      const passed = new PassedCall(this, call, requestOf(call), {resolve, reject, ended: over, givenUp});
      this.#calls.add(passed);
      passed.start();
    });
  }

  /** Breaks off every call: the process is gone. */
  destroy(reason: Fault): void {
    for (const call of [...this.#calls]) call.lose(reason);
    this.connections.destroy();
  }
}

function requestOf({event}: RuntimeCall): PassedRequest {
  if ('target' in event) return event;
  throw new TypeError('Expected a request that is passed on, got an event');
}
