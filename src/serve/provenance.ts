import {createHash} from 'node:crypto';
import {readFile} from 'node:fs/promises';
import type {Fact} from '../facts.ts';
import {type Environment, givenText, type Settings} from '../settings/setting.ts';

/** The settings with which the core started, as a hash of all that are not secrets. It differs when the settings of two starts do. */
export function configLoaded(table: Settings, env: Environment, version: string): Fact {
  const given = Object.values(table)
    .filter(entry => !entry.secret)
    .map(entry => `${entry.name}=${givenText(entry, env) ?? entry.fallback ?? ''}`);
  return {type: 'config.loaded', data: {version, digest: sha256(given.join('\n'))}};
}

/** The code that is served, as a hash of the handler's file without its imports. Undefined when the file cannot be read. */
export async function codeLoaded(handlerPath: string): Promise<Fact | undefined> {
  try {
    return {type: 'code.loaded', data: {digest: sha256(await readFile(handlerPath)), handler: handlerPath}};
  } catch {
    return undefined; // a foreign bridge completes the path by rules of its own
  }
}

const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');
