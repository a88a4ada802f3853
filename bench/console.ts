import http from 'node:http';
import type {Page} from 'playwright-core';
import {systemClock} from '../src/clock.ts';
import {openBrowser} from '../test/helpers/browser.ts';
import {projectFile, startCore} from '../test/helpers/core.ts';
import {ask} from '../test/helpers/request.ts';

/*
What the console costs a browser: bytes, the time until it shows something, and frames while ten thousand rows scroll, at
rest and while calls come in. For people: it prints, and records nothing.

    npx node bench/console.ts
*/

const rows = 10_000;

await using stack = new AsyncDisposableStack();
const core = await startCore({
  SCW_PUBLIC: 'true',
  SCW_HANDLER_PATH: projectFile('examples/01-hello-node/handler.js'),
  CORE_JOURNAL_HTTP: 'full',
});
stack.defer(async () => void (await core.stop()));
const agent = new http.Agent({keepAlive: true});
stack.defer(() => agent.destroy());
await callTimes(rows);

const browser = await openBrowser();
stack.defer(() => browser.close());
const page = await browser.newPage({viewport: {width: 1280, height: 800}});
const session = await page.context().newCDPSession(page);
await session.send('Network.enable');
let [files, bytes] = [0, 0];
session.on('Network.loadingFinished', ({encodedDataLength}) => {
  files++;
  bytes += encodedDataLength;
});

print('first view, new core', `${(await firstView(page)).toFixed(0)} ms`);
await page.locator('canvas').first().waitFor();
print('sent until the plots stand', `${files} answers, ${(bytes / 1024).toFixed(1)} KiB with their heads`);
const views: number[] = [];
for (let visit = 0; visit < 9; visit++) {
  const context = await browser.newContext(); // nothing is cached in it
  views.push(await firstView(await context.newPage()));
  await context.close();
}
print('first view, median of 9', `${views.sort((one, other) => one - other)[4]?.toFixed(0)} ms`);

await page.goto(`${core.adminUrl}/#/invocations`);
const grid = page.getByRole('grid');
await grid.waitFor();
const loadsFrom = systemClock.monotonic();
while ((await grid.getAttribute('aria-rowcount')) !== String(rows + 1)) {
  await grid.evaluate(element => element.scrollTo(0, element.scrollHeight));
  await systemClock.sleep(20);
}
print(`${rows} rows loaded`, `${((systemClock.monotonic() - loadsFrom) / 1000).toFixed(1)} s`);
print('rows that exist', String(await page.locator('.window-space [role=row]').count()));
print('scrolling at rest', await scroll(page));
const calling = callTimes(2000);
print('scrolling under load', await scroll(page));
await calling;

function print(name: string, value: string): void {
  console.log(`${name.padEnd(28)}${value}`);
}

/** Milliseconds until the figures stand on the page. */
async function firstView(view: Page): Promise<number> {
  const from = systemClock.monotonic();
  await view.goto(core.adminUrl);
  await view.locator('.figures').waitFor();
  return systemClock.monotonic() - from;
}

/** Four at a time. */
async function callTimes(times: number): Promise<void> {
  let left = times;
  const caller = async () => {
    while (left-- > 0) await ask(`${core.url}/todos/${left}?name=you`, {agent});
  };
  await Promise.all(Array.from({length: 4}, caller));
}

/** Scrolls for three seconds, 2,000 px a second and more, and counts frames. */
async function scroll(view: Page): Promise<string> {
  const gaps = await view.getByRole('grid').evaluate(async element => {
    const found: number[] = [];
    const frame = () => new Promise<number>(resolve => Reflect.get(globalThis, 'requestAnimationFrame')(resolve));
    element.scrollTo(0, 5000);
    let last = await frame();
    const endsAt = last + 3000;
    while (last < endsAt) {
      element.scrollBy(0, 40);
      const now = await frame();
      found.push(now - last);
      last = now;
    }
    return found.sort((one, other) => one - other);
  });
  const whole = gaps.reduce((sum, gap) => sum + gap, 0);
  const late = gaps.filter(gap => gap > 20).length;
  const [median = 0, p99 = 0] = [gaps[Math.floor(gaps.length / 2)], gaps[Math.floor(gaps.length * 0.99)]];
  return `${((gaps.length / whole) * 1000).toFixed(1)} frames/s; median ${median.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, ${late} of ${gaps.length} later than 20 ms`;
}
