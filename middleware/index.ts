import {randomUUIDv7} from 'node:crypto';
import compose from 'koa-compose';
import type {Clock} from '../src/clock.ts';
import type {Carrier, Delivery} from '../src/delivery.ts';
import type {Stage, StageContext} from '../src/stage.ts';
import {type EventParts, event} from './event.ts';
import {type InvokeParts, invoke} from './invoke.ts';
import {type RespondParts, respond} from './respond.ts';
import {type TraceParts, trace} from './trace.ts';
import {type TriggerParts, trigger} from './trigger.ts';

/**
What the stages are made from: each takes what it needs. `guard` is the stage that decides who may call, `unpack` the one
that unpacks CloudEvents, `work` the one that takes requests as work, if these are on.
*/
export type Parts = TraceParts &
  TriggerParts &
  EventParts &
  InvokeParts &
  RespondParts & {readonly guard: Stage; readonly unpack?: Stage | undefined; readonly work?: Stage | undefined};

/** Makes the chain that every delivery goes through, in this order. A new stage is its file and a line here. */
export function pipeline(parts: Parts): Stage {
  return chain([
    trace(parts), //
    parts.guard,
    ...(parts.unpack ? [parts.unpack] : []),
    ...(parts.work ? [parts.work] : []),
    trigger(parts),
    event(parts),
    invoke(parts),
    respond(parts),
  ]);
}

/** Joins several stages into one. */
export function chain(stages: readonly Stage[]): Stage {
  return compose<StageContext>([...stages]);
}

/** Sends a delivery through a chain: every delivery gets an invocation of its own, with a time-ordered id unless it brings one. */
export function deliverThrough(stage: Stage, clock: Clock) {
  return function deliver(delivery: Delivery, carrier: Carrier = {get: absent, state: undefined}): Promise<void> {
    carrier.state = {id: delivery.id ?? randomUUIDv7(), delivery, arrived: clock.monotonic()};
    return stage(carrier as StageContext, end); // its state was set on the line above
  };
}

const end = async () => {};
const absent = () => '';
