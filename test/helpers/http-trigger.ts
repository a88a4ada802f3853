import type {ExecutionContext} from 'ava';
import {type Clock, systemClock} from '../../src/clock.ts';
import type {Delivery, RequestInput} from '../../src/delivery.ts';
import {asFault} from '../../src/errors.ts';
import {faultResult} from '../../src/http/answer.ts';
import {Budget} from '../../src/limits/budget.ts';
import {http} from '../../triggers/http/index.ts';
import {fakeHouse, recordingMeter} from './fakes.ts';
import {Wire} from './wire.ts';

/** The trigger alone, on a port of its own; `run` stands for the function and gives the body of the answer. */
export async function openHttp(
  t: ExecutionContext,
  run: (input: RequestInput) => Promise<string> | string = () => 'ran',
  {
    requestTimeout = 30_000, // a slow machine is no slow client
    headersTimeout = 30_000,
    clock = systemClock,
    inflightBytes = 1000,
    keepAliveMs = 650_000,
    asksForSignal = false,
  }: {
    asksForSignal?: boolean;
    inflightBytes?: number;
    keepAliveMs?: number;
    requestTimeout?: number;
    headersTimeout?: number;
    clock?: Clock;
  } = {},
) {
  const runs: string[] = [];
  /** Those whose client has left, where signals are asked for. */
  const left: string[] = [];
  const meter = recordingMeter();
  const deliver = async (delivery: Delivery) => {
    try {
      const signal = asksForSignal ? delivery.signal : undefined;
      const input = (await delivery.input()) as RequestInput; // what comes by HTTP is one
      signal?.addEventListener('abort', () => left.push(input.path));
      input.holder?.written(input.path === '/fields' ? 20_000 : input.body.length * 2);
      runs.push(input.path);
      delivery.reply({status: 200, headers: ['Core-Invocation-Id', 'id'], body: await run(input)});
    } catch (error) {
      delivery.reply(faultResult(asFault(error), 'id', ''));
    }
  };
  const budget = new Budget(inflightBytes, clock);
  const house = fakeHouse({deliver, scrape: deliver, meter, clock, budget});
  const section = {host: undefined, port: 0, payloadMaxBytes: 1000, keepAliveMs, metricsPath: ''};
  const trigger = await http.open(section, house, {headersTimeout, requestTimeout, connectionsCheckingInterval: 20});
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= trigger[Symbol.asyncDispose]();
    return stopped;
  };
  const wires: Wire[] = [];
  t.teardown(async () => {
    for (const wire of wires) wire.destroy();
    await stop();
  });
  return {
    url: trigger.url,
    runs,
    left,
    meter,
    budget,
    stop,
    connect() {
      const wire = new Wire(trigger.url);
      wires.push(wire);
      return wire;
    },
  };
}
