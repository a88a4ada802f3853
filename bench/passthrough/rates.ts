import {median} from '../figures.ts';
import {type Measured, measure} from '../load.ts';
import type {Server} from '../servers.ts';

/** Rates of those who pass a short request on, in turn, so that what else the machine does meets all of them. @returns the medians */
export async function compareRates(
  title: string,
  contenders: Readonly<Record<string, Server>>,
  {rounds, seconds}: {rounds: number; seconds: number},
): Promise<(name: string) => number> {
  const found = new Map<string, Measured[]>();
  for (let round = 0; round <= rounds; round++)
    for (const [name, {url, pids}] of Object.entries(contenders)) {
      const measured = await measure({url, pids, connections: 32, seconds});
      if (round > 0) found.set(name, [...(found.get(name) ?? []), measured]); // the first round warms up
    }
  console.log(
    `\n| ${title}, 32 connections | requests/s, median (min–max) | p99 µs | CPU µs a call, with what it started | errors |\n| --- | --- | --- | --- | --- |`,
  );
  for (const [name, all] of found) {
    const rates = all.map(({requestsPerSecond}) => Math.round(requestsPerSecond)).sort((a, b) => a - b);
    const errors = all.reduce((sum, each) => sum + each.errors, 0);
    const cells = [
      `${median(rates)} (${rates[0]}–${rates.at(-1)})`,
      median(all.map(each => each.p99Us)),
      Math.round(median(all.map(each => each.cpuUs))),
    ];
    console.log(`| ${[name, ...cells, errors].join(' | ')} |`);
  }
  return name => median((found.get(name) ?? []).map(each => each.requestsPerSecond));
}
