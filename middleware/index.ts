import {randomUUIDv7} from 'node:crypto';
import compose from 'koa-compose';
import type {Clock} from '../src/clock.ts';
import type {Stage, StageContext} from '../src/stage.ts';
import type {Carrier, Delivery} from '../src/trigger.ts';

/** The stages of an event, in the order in which it walks them. */
export interface Stages {
  readonly trace: Stage;
  readonly auth: Stage;
  readonly trigger: Stage;
  readonly event: Stage;
  readonly invoke: Stage;
  readonly respond: Stage;
}

export function pipeline({trace, auth, trigger, event, invoke, respond}: Stages): Stage {
  return chain([trace, auth, trigger, event, invoke, respond]);
}

/** One stage out of several, for whatever walks fewer than all six. */
export function chain(stages: readonly Stage[]): Stage {
  return compose<StageContext>([...stages]);
}

/** Sends a delivery through a chain: every delivery gets an invocation of its own, with a time-ordered id unless it brings one. */
export function deliverThrough(stage: Stage, clock: Clock) {
  return function deliver(carrier: Carrier, delivery: Delivery): Promise<void> {
    carrier.state = {id: delivery.id ?? randomUUIDv7(), delivery, arrived: clock.monotonic()};
    return stage(carrier as StageContext, end); // its state was set on the line above
  };
}

const end = async () => {};
