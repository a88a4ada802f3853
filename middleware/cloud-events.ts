import type {Clock} from '../src/clock.ts';
import type {Fields, RequestInput} from '../src/delivery.ts';
import type {Invocation} from '../src/invocation.ts';
import type {Budget} from '../src/limits/budget.ts';
import type {Meter} from '../src/meter.ts';
import type {Stage} from '../src/stage.ts';
import {readAsyncPreference} from '../src/work/prefer.ts';
import {type EventName, invalid, keyOf, nameInFields} from './cloud-events/attributes.ts';
import {type Deliver, deliverBatch, EventDelivery} from './cloud-events/batch.ts';
import {type Unpacked, unpack} from './cloud-events/structured.ts';
import {Succeeded} from './cloud-events/succeeded.ts';
import {sliceItems} from './respond/slice.ts';
import {jsonReply} from './work/replies.ts';

export interface CloudEventParts {
  /** Sends the events of a batch through the stages, each as an invocation of its own. */
  readonly deliver: Deliver;
  readonly budget: Budget;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly meter: Pick<Meter, 'batchesWatched'>;
  /** True when requests may be sent as work. */
  readonly takesWork: boolean;
}

/** Most events of a batch. */
const mostEvents = 1000;

/**
Takes CloudEvents over HTTP: the function gets each as in binary mode, with its attributes as headers and its data as the body.
Any other request passes unchanged.
*/
export function cloudEvents(parts: CloudEventParts): Stage {
  const succeeded = new Succeeded(parts.clock);
  parts.meter.batchesWatched(() => succeeded.size);
  return async function cloudEvents(ctx, next) {
    const invocation = ctx.state;
    const {delivery} = invocation;
    if (delivery.source !== 'http') return next();
    const mode = delivery instanceof EventDelivery ? 'binary' : modeOf(ctx);
    if (mode === undefined) return next();
    if (mode === 'binary') {
      const name = nameInFields(ctx);
      addKey(invocation, ctx, name);
      return next();
    }
    const input = await delivery.input();
    if (input.shape !== 'request' || input.eventType !== 'http') {
      invocation.input = input;
      return next();
    }
    if (mode === 'batch') return answerBatch(invocation, ctx, input);
    const json = textOf(input.body);
    const {request, ...name} = unpack(input, parsed(json), json);
    invocation.input = request;
    addKey(invocation, ctx, name);
    return next();
  };

  async function answerBatch(invocation: Invocation, ctx: Fields, input: RequestInput): Promise<void> {
    if (ctx.get('idempotency-key') !== '')
      throw invalid('expected no Idempotency-Key, as each event has its own: `source` and `id`', 'The batch of CloudEvents');
    const events = readBatch(input);
    const {delivered, isWork} = await deliverBatch(invocation, ctx, events, {...parts, succeeded});
    const result = jsonReply(isWork ? 202 : 200, invocation.id, delivered);
    invocation.delivery.reply(result);
    invocation.result = result;
  }

  /** Sent again as work, an event is known by its name. One whose sender waits is called again: its reply may have been a failure. */
  function addKey(invocation: Invocation, ctx: Fields, name: EventName): void {
    if (!parts.takesWork || ctx.get('idempotency-key') !== '' || !readAsyncPreference(ctx.get('prefer'))) return;
    const key = keyOf(name);
    invocation.wishes = {get: field => (field.toLowerCase() === 'idempotency-key' ? key : ctx.get(field))};
  }
}

/** By the type of the body; formats other than JSON are for the function to read. */
function modeOf(fields: Fields): 'binary' | 'structured' | 'batch' | undefined {
  const type = fields.get('content-type').toLowerCase();
  if (!type.startsWith('application/cloudevents')) return fields.get('ce-specversion') === '' ? undefined : 'binary';
  if (/^application\/cloudevents\+json *(?:;|$)/.test(type)) return 'structured';
  return /^application\/cloudevents-batch\+json *(?:;|$)/.test(type) ? 'batch' : undefined;
}

function readBatch(input: RequestInput): readonly Unpacked[] {
  const json = textOf(input.body);
  const list = parsed(json);
  if (!Array.isArray(list)) throw invalid('expected a JSON array', 'The batch of CloudEvents');
  if (list.length > mostEvents) throw invalid(`expected at most ${mostEvents} events, got ${list.length}`, 'The batch of CloudEvents');
  const texts = sliceItems(json);
  return list.map((event: unknown, at) => unpack(input, event, texts[at] ?? '', `CloudEvent ${at + 1} of ${list.length}`));
}

/** RFC 8259 §8.1: JSON is UTF-8. */
function textOf(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', {fatal: true}).decode(body);
  } catch {
    throw invalid('expected UTF-8');
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw invalid(`expected JSON: ${error instanceof Error ? error.message : ''}`);
  }
}
