import {symlink} from 'node:fs/promises';
import {join} from 'node:path';
import {build} from '../build.ts';
import {projectFile} from '../test/helpers/core.ts';
import {temporaryFolder} from './servers.ts';

/** The core as it ships. Gives its main module. */
export async function buildOurs(stack: AsyncDisposableStack): Promise<string> {
  const folder = join(await temporaryFolder(stack), 'core');
  await build(projectFile('.'), folder);
  await symlink(projectFile('node_modules'), join(folder, 'node_modules'));
  return join(folder, 'src/main.js');
}
