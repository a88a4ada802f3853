import {join} from 'node:path';
import {projectFile} from '../../test/helpers/core.ts';
import type {Peer, Peers} from '../peers.ts';
import {environment, type FunctionName, newPort, type Program} from '../servers.ts';

/* Peers that serve the function in their own process: there is no hop, and when the function dies they do, too. */

export async function functionsFramework(peers: Peers): Promise<Peer> {
  const {modules, version} = await peers.install('@google-cloud/functions-framework@5');
  const main = join(modules, '@google-cloud/functions-framework/build/src/main.js');
  return {title: `functions-framework-nodejs ${version}, in the function's process`, prepare: name => inProcess(name, main)};
}

export async function express(peers: Peers): Promise<Peer> {
  const {modules, version} = await peers.install('express@5');
  const main = projectFile('bench/peers/express-app.cjs');
  return {title: `Express ${version}, in the function's process`, prepare: name => inProcess(name, main, {NODE_PATH: modules})};
}

async function inProcess(name: FunctionName, main: string, more: Record<string, string> = {}): Promise<{program: Program}> {
  const port = await newPort();
  const file = projectFile('bench/functions/in-process.cjs');
  const env = {...environment(port, name), FUNCTION_TARGET: name, FUNCTION_SOURCE: file, IN_PROCESS_FUNCTIONS: file, ...more};
  return {program: {command: [process.execPath, main], env, port}};
}
