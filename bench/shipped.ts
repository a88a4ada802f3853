import {symlink} from 'node:fs/promises';
import {join} from 'node:path';
import {build} from '../build.ts';
import {projectFile} from '../test/helpers/core.ts';
import {environment, newPort, type Program, temporaryFolder} from './servers.ts';

/** The core as it ships, in plain JavaScript. Gives its main module. */
export async function buildOurs(stack: AsyncDisposableStack): Promise<string> {
  const folder = join(await temporaryFolder(stack), 'core');
  await build(projectFile('.'), folder);
  await symlink(projectFile('node_modules'), join(folder, 'node_modules'));
  return join(folder, 'src/main.js');
}

/** Our core, from a main module, as a program like any other: with default settings, and a folder of its own for what it keeps. */
export async function ourProgram(main: string, stack: AsyncDisposableStack): Promise<Program> {
  const [port, folder] = [await newPort(), await temporaryFolder(stack)];
  const ours = {SCW_PUBLIC: 'true', SCW_UPSTREAM_PORT: '0', CORE_ADMIN_PORT: '0', CORE_DATA_DIR: folder};
  return {command: [process.execPath, main], env: {...environment(port, 'message'), ...ours}, port};
}
