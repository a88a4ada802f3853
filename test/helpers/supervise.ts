import type {ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import type {Fact} from '../../src/facts.ts';
import type {FunctionLine} from '../../src/log.ts';
import type {Command, StartRecord} from '../../src/runtime.ts';
import {Upstream} from '../../src/workers/hop/http.ts';
import {Pool} from '../../src/workers/pool/pool.ts';
import {OrphanKiller} from '../../src/workers/process/orphans.ts';
import {type RestartPolicy, restartPolicy} from '../../src/workers/process/restart-policy.ts';
import {Supervisor} from '../../src/workers/process/supervisor.ts';
import {recordingLog, recordingMeter} from './fakes.ts';

const host = '127.0.0.1';

/** Real processes: each runs this program in Node and is gone when the test ends. */
export async function supervise(
  t: ExecutionContext,
  program: string,
  {
    readiness = 'report',
    file = process.execPath,
    startTimeoutMs = 20_000,
    environment = {},
    concurrency = 1,
    timeoutMs = 300_000,
    policy = {},
    preferredPort = 0,
  }: Partial<
    Command & {
      preferredPort: number;
      startTimeoutMs: number;
      timeoutMs: number;
      environment: Record<string, string>;
      policy: Partial<RestartPolicy>;
    }
  > = {},
) {
  const told: string[] = [];
  const facts: Fact[] = [];
  const lines: FunctionLine[] = [];
  const starts: StartRecord[] = [];
  const log = recordingLog();
  const clock = systemClock;
  const meter = recordingMeter();
  const pool = new Pool({queueLength: 10, queueWaitMs: 10_000, startTimeoutMs}, clock, meter);
  const orphanKiller = new OrphanKiller({mark: 'MARK=none', clock, log});
  const waiting = new Set<() => void>();
  const changed = () => {
    for (const wake of [...waiting]) wake();
  };
  /** Resolves once the claim holds; asked again whenever something was told. */
  const until = (claim: () => boolean) =>
    new Promise<void>(resolve => {
      const wake = () => {
        if (!claim()) return;
        waiting.delete(wake);
        resolve();
      };
      waiting.add(wake);
      wake();
    });
  const ports: number[] = [];
  const supervisor = new Supervisor(
    {
      child: {
        command: {file, args: ['-e', program], readiness, concurrency},
        host,
        startTimeoutMs,
        user: undefined,
        memoryBytes: undefined,
        hasCalls: false,
      },
      maxReplyBytes: 1000,
      isConcurrencySet: false,
      mostConnections: 1000,
      environment(port) {
        ports.push(port);
        return {SCW_UPSTREAM_PORT: String(port), ...environment};
      },
      upstream: port => new Upstream({host, port, connections: concurrency, maxReplyBytes: 1000, bridgeToken: 'x'}, clock),
      preferredPort,
      policy: {...restartPolicy, ...policy},
      concurrency,
      timeoutMs,
    },
    {
      pool,
      clock,
      log: {
        ...log,
        error(fields, message) {
          log.error(fields, message);
          changed();
        },
      },
      meter: {...meter, runtimeTried: () => void told.push('tried')},
      ooms: {kills: () => 0},
      orphanKiller,
      facts(some) {
        facts.push(...some);
        changed();
      },
      line(line) {
        lines.push(line);
        changed();
      },
      linesDropped() {},
      mayServe: () => true,
      started(record) {
        starts.push(record);
        changed();
      },
      functionServedAt: () => supervisor.servedAt,
      freeBytes: () => Number.POSITIVE_INFINITY,
      gaveUp: () => void told.push('gave up'),
    },
  );
  t.teardown(async () => {
    await supervisor[Symbol.asyncDispose]();
    orphanKiller[Symbol.dispose]();
  });
  await supervisor.start();
  const types = () => facts.map(({type}) => type);
  const count = (type: Fact['type']) => types().filter(each => each === type).length;
  const ready = () => until(() => count('runtime.ready') > 0);
  const gone = () => until(() => count('runtime.exited') > 0);
  return {supervisor, pool, told, facts, types, count, lines, starts, log, ports, until, ready, gone};
}

/** Reports on the descriptor, then lives on. */
export const loaded = `require('fs').writeSync(3, '{"loaded":true}\\n'); setInterval(() => {}, 1000);`;
