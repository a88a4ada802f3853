import {execFile} from 'node:child_process';
import {promisify} from 'node:util';
import type {ExecutionContext} from 'ava';

/** Installs what the folder's package.json names, or what is asked. Where nothing can be fetched the test is skipped, and says why. */
export async function npmInstalls(t: ExecutionContext, folder: string, asked: readonly string[] = []): Promise<boolean> {
  t.timeout(5 * 60_000, 'npm fetches packages');
  const args = ['install', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', '--omit=dev', ...asked];
  try {
    await promisify(execFile)('npm', args, {cwd: folder});
    return true;
  } catch (error) {
    t.log(`skipped: npm installs nothing: ${String(error).slice(0, 500)}`);
    t.pass();
    return false;
  }
}
