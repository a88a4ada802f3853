import {Pool} from 'undici';
import {systemClock} from '../src/clock.ts';
import type {Load} from './load.ts';

/*
Sends requests at a rate that does not wait for answers, from a process of its own, and prints what came of them as
JSON. `bench/overload.ts` starts it. Time is counted from when a request was due, not from when a connection was free.
*/

export interface Offered {
  readonly load: Pick<Load, 'url' | 'method' | 'headers' | 'body'>;
  readonly perSecond: number;
  readonly seconds: number;
}

export interface Outcome {
  readonly sent: number;
  /** Answers of 2xx before the time was over, and how long each took. */
  readonly good: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** 429 and 503: told to come again. */
  readonly refused: number;
  readonly refusedP99Ms: number;
  /** Neither: another status, a broken connection, or no answer before the time was over. */
  readonly lost: number;
}

const connections = 512;

async function offer({load, perSecond, seconds}: Offered): Promise<Outcome> {
  const {url, method = 'GET', headers = {}, body = null} = load;
  const {origin, pathname} = new URL(url);
  const pool = new Pool(origin, {connections, pipelining: 1});
  const good: number[] = [];
  const refused: number[] = [];
  let sent = 0;
  const send = async (dueMs: number) => {
    const {statusCode, body: answer} = await pool.request({path: pathname, method, headers, body});
    await answer.dump();
    const tookMs = systemClock.monotonic() - dueMs;
    if (statusCode >= 200 && statusCode < 300) good.push(tookMs);
    else if (statusCode === 429 || statusCode === 503) refused.push(tookMs);
  };
  const startedMs = systemClock.monotonic();
  for (let elapsedMs = 0; elapsedMs < seconds * 1000; elapsedMs = systemClock.monotonic() - startedMs) {
    for (const due = (elapsedMs * perSecond) / 1000; sent < due; sent++) {
      void send(startedMs + (sent / perSecond) * 1000).catch(() => {}); // counted as lost
    }
    await systemClock.sleep(1);
  }
  const outcome = {good: good.length, p50Ms: quantile(good, 0.5), p99Ms: quantile(good, 0.99)};
  const told = {refused: refused.length, refusedP99Ms: quantile(refused, 0.99)};
  return {sent, ...outcome, ...told, lost: sent - good.length - refused.length};
}

function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? 0;
}

if (import.meta.main) {
  process.stdout.write(JSON.stringify(await offer(JSON.parse(process.argv[2] ?? '{}'))), () => process.exit()); // requests may be under way
}
