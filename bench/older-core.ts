import {execFile} from 'node:child_process';
import {symlink} from 'node:fs/promises';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {projectFile} from '../test/helpers/core.ts';
import {temporaryFolder} from './servers.ts';

const run = promisify(execFile);

/**
The core as it was at a commit, in a folder that is gone with the stack. It gets the packages that are installed here where
they are those of its own lock file, else it installs its own.

@returns its main module
@throws Error when the repository does not have the commit
*/
export async function olderCore(commit: string, stack: AsyncDisposableStack): Promise<string> {
  const [folder, git] = [await temporaryFolder(stack), ['-C', projectFile('.')]];
  const archive = join(folder, 'core.tar');
  await run('git', [...git, 'archive', `--output=${archive}`, commit]);
  await run('tar', ['-xf', archive, '-C', folder]);
  const {stdout: theirs} = await run('git', [...git, 'show', `${commit}:package-lock.json`], {maxBuffer: 2 ** 26});
  const {stdout: ours} = await run('git', [...git, 'show', 'HEAD:package-lock.json'], {maxBuffer: 2 ** 26});
  if (suffice(ours, theirs)) await symlink(projectFile('node_modules'), join(folder, 'node_modules'));
  else await run('npm', ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'], {cwd: folder});
  return join(folder, 'src/main.ts');
}

interface LockFile {
  readonly packages: Readonly<Record<string, {readonly version?: string; readonly dev?: boolean; readonly optional?: boolean}>>;
}

/** True when every package that one lock file needs to run is in the other, in the same version. */
export function suffice(have: string, need: string): boolean {
  const {packages} = JSON.parse(have) as LockFile;
  return Object.entries((JSON.parse(need) as LockFile).packages).every(
    ([place, {version, dev, optional}]) => place === '' || dev || optional || packages[place]?.version === version,
  );
}
