import {join} from 'node:path';
import {systemClock} from '../src/clock.ts';
import {type Figures, isFigureName, markdownTable, median, paired, type Spread, shown, spreadOf} from './figures.ts';
import type {Measured} from './load.ts';
import {openAmqp} from './messages/amqp.ts';
import {openKafka} from './messages/kafka.ts';
import {openMqtt} from './messages/mqtt.ts';
import {openNats} from './messages/nats.ts';
import {openRedis} from './messages/redis.ts';
import {openSqs} from './messages/sqs.ts';
import type {MessageSystem} from './messages/system.ts';
import {reasonOf} from './peers.ts';
import {cpuMicros} from './processes.ts';
import {p50sOf, type Question, type Runs, race, ratesOf, runAlone} from './program.ts';
import {newPort, type Server, start, startOurs, temporaryFolder} from './servers.ts';
import {sendSlowly} from './slowly.ts';
import {microseconds, textOf} from './work/queue.ts';

/*
Messages of a broker: how many a second are read, handled and acknowledged, and how soon one is handled. Against the client
library of the broker in a plain loop that keeps no facts, and calls the handler in its own process; or in another process over
HTTP, as the core does.

    node bench/triggers.ts [rounds] [seconds] [system …] [--json]
*/

const systems: Readonly<Record<string, (stack: AsyncDisposableStack) => Promise<MessageSystem>>> = {
  redis: openRedis,
  nats: openNats,
  amqp: openAmqp,
  kafka: openKafka,
  sqs: openSqs,
  mqtt: openMqtt,
};
const core = 'core';
const loop = 'client library in a plain loop';
const isolated = 'the same loop, the handler in another process over HTTP';

/** Messages of a round for each of its seconds. */
const perSecond = 5000;
const publishedAtOnce = 500;
/** How long a handler computes that does something; the other one does nothing. */
const computesUs = 200;
/** A reader that has acknowledged nothing for so long will not. */
const stuckMs = 30_000;

export const triggers: Question = {
  rounds: 3,
  seconds: 2,

  async answer({rounds, seconds, only = []}) {
    const tables: string[] = [];
    const figures: Figures = {};
    for (const [name, open] of Object.entries(systems)) {
      if (only.length > 0 && !only.includes(name)) continue;
      await using stack = new AsyncDisposableStack();
      try {
        const {table, againstIsolated} = await measureSystem(await open(stack), rounds, seconds);
        tables.push(table);
        const figure = `messages/s of ${name}, core / loop that calls another process`;
        if (isFigureName(figure)) figures[figure] = againstIsolated;
      } catch (error) {
        tables.push(`*${name}*: not measured: ${reasonOf(error)}`);
      }
    }
    return {
      title: 'Triggers',
      about: `Messages of 248 bytes, ${(perSecond * seconds).toLocaleString('en')} published at once to a reader that has handled as many before, until all are acknowledged; then one every 20 ms, from its publishing to its start in the function. The core keeps the facts of each in SQLite, with its body, and calls the function in a process of its own. The plain loop keeps nothing and calls the same handler in its own process, where a handler that crashes or hangs takes the loop with it; in one column the handler computes for ${computesUs} µs, else it does nothing. The other loop calls it in a process of its own, a server of \`node:http\`, by undici: one at a time where the client hands out one at a time (Kafka, MQTT), ten with Redis and SQS, 50 with NATS and RabbitMQ.`,
      tables: tables.join('\n\n'),
      figures,
    };
  },
};

async function measureSystem(system: MessageSystem, rounds: number, seconds: number): Promise<{table: string; againstIsolated: Spread}> {
  const of = (act: (server: Server) => Promise<Measured>, env: Readonly<Record<string, string>> = {}) =>
    race(
      new Map(
        Object.entries(startersWith(env)).map(([name, start]) => [
          name,
          async () => {
            await using stack = new AsyncDisposableStack();
            await system.empty();
            return await act(await start(system, stack));
          },
        ]),
      ),
      rounds,
    );
  const drained = await of(server => drain(system, server, perSecond * seconds * (system.part ?? 1)));
  const computing = await of(server => drain(system, server, perSecond * seconds * (system.part ?? 1)), {
    BENCH_COMPUTES_US: String(computesUs),
  });
  const slow = await of(server => publishSlowly(system, server, seconds * 50));
  const [own, other] = [ratesOf(drained.get(loop)), ratesOf(drained.get(isolated))];
  const rows = [...drained].map(([name, runs]) => [
    name,
    shown(spreadOf(ratesOf(runs))),
    shown(paired(ratesOf(runs), own)),
    shown(paired(ratesOf(computing.get(name)), ratesOf(computing.get(loop)))),
    shown(paired(ratesOf(runs), other)),
    median(runs.map(({cpuUs}) => cpuUs)).toFixed(0),
    inMs(slow.get(name), p50sOf),
    inMs(slow.get(name), runs => runs.map(({p99Us}) => p99Us)),
    String([...runs, ...(slow.get(name) ?? [])].reduce((sum, {errors}) => sum + errors, 0)),
  ]);
  const head = [
    'what',
    'messages/s (min–max)',
    'ratio to the loop',
    `… the handler computes for ${computesUs} µs`,
    'ratio to the loop over HTTP',
    'CPU µs each',
    'p50 ms to the start',
    'p99 ms',
    'not handled',
  ];
  return {table: `${system.title}:\n\n${markdownTable(head, rows)}`, againstIsolated: paired(ratesOf(drained.get(core)), other)};
}

const inMs = (runs: Runs | undefined, of: (runs: Runs) => number[]) => (median(of(runs ?? [])) / 1000).toFixed(2);

const startersWith = (env: Readonly<Record<string, string>>) => ({
  [core]: startCore(env),
  [loop]: startLoop(env),
  [isolated]: startLoop({...env, BENCH_HANDLER: 'http'}),
});

const startCore =
  (env: Readonly<Record<string, string>>) =>
  async ({entry}: MessageSystem, stack: AsyncDisposableStack): Promise<Server> => {
    const file = join(await temporaryFolder(stack), 'facts.db');
    const ours = {CORE_TRIGGERS: JSON.stringify([{name: 'bench', ...entry}]), CORE_JOURNAL: `sqlite:${file}`};
    return startOurs('started', {...env, ...ours}, stack);
  };

const startLoop =
  (env: Readonly<Record<string, string>>) =>
  async ({loop}: MessageSystem, stack: AsyncDisposableStack): Promise<Server> => {
    const port = await newPort();
    const command = [process.execPath, '--disable-warning=ExperimentalWarning', ...loop] as const;
    return start({command, env: {...env, PORT: String(port)}, port}, stack);
  };

async function drain(system: MessageSystem, {pids}: Server, count: number): Promise<Measured> {
  await pass(system, count); // it has connected and is warm when these are handled
  const [cpuBefore, begun] = [cpuMicros(pids), microseconds()];
  await pass(system, count);
  const passedUs = microseconds() - begun;
  const cpuUs = (cpuMicros(pids) - cpuBefore) / count;
  return {requestsPerSecond: count / (passedUs / 1e6), p50Us: Number.NaN, p99Us: Number.NaN, cpuUs, errors: 0};
}

/** Publishes messages, and waits until all of them are acknowledged. */
async function pass(system: MessageSystem, count: number): Promise<void> {
  const body = JSON.stringify({at: 0, text: textOf(248)});
  for (let sent = 0; sent < count; sent += publishedAtOnce) {
    await system.publish(Array.from({length: Math.min(publishedAtOnce, count - sent)}, () => body));
  }
  await allAcknowledged(system);
}

/** @throws Error when none is acknowledged any more */
async function allAcknowledged(system: MessageSystem): Promise<void> {
  let [least, since] = [Number.POSITIVE_INFINITY, systemClock.monotonic()];
  for (let left = await system.left(); left > 0; left = await system.left()) {
    if (left < least) [least, since] = [left, systemClock.monotonic()];
    if (systemClock.monotonic() - since > stuckMs) throw new Error(`${left} messages were left, and none of them is acknowledged`);
    await systemClock.sleep(5);
  }
}

async function publishSlowly(system: MessageSystem, {url}: Server, times: number): Promise<Measured> {
  await system.publish([JSON.stringify({at: 0})]);
  await allAcknowledged(system);
  return sendSlowly(url, times, at => system.publish([JSON.stringify({at, text: textOf(248)})]));
}

if (import.meta.main) await runAlone(triggers);
