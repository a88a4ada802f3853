import test from 'ava';
import {reloaderOf, superseded} from '../../src/workers/reload.ts';

/** A place whose reloads end when the test says so. */
function place() {
  const running: ((problem?: string) => void)[] = [];
  return {running, reload: () => new Promise<string | undefined>(settle => void running.push(settle))};
}

test('a reload during another is refused, and takes its place when it supersedes', async t => {
  const [first, second] = [place(), place()];
  const reload = reloaderOf([first, second]);
  const older = reload();
  t.is(await reload(), 'a reload is under way already');
  const newer = reload(true);
  first.running[0]?.('the new sub-runtime ended before it was ready');
  t.is(await older, superseded);
  first.running[1]?.();
  await Promise.resolve();
  await Promise.resolve();
  t.is(second.running.length, 1); // the newer one alone goes on to the next place
  t.is(await reload(), 'a reload is under way already');
  second.running[0]?.();
  t.is(await newer, undefined);
});
