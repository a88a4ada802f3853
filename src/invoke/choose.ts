import path from 'node:path';
import {commandLine} from '../called-as.ts';
import {CommandFailed} from '../command/failure.ts';
import {shellWord} from '../command/shell-word.ts';
import {findFunction} from '../dev/find.ts';
import {manifestAbove, manifestAt} from '../dev/serverless/place.ts';
import {environmentOf, type Wish, withoutFile} from '../dev/wish.ts';
import {ConfigurationError} from '../errors.ts';
import {exit} from '../exit.ts';
import type {Environment} from '../settings/setting.ts';

export interface Choice {
  /** Path as on the command line: a function, or a manifest or the folder of one. */
  readonly given: string | undefined;
  /** Of a function of the manifest. */
  readonly name: string | undefined;
  /** Read instead of `.env`. Absolute. */
  readonly envFile: string | undefined;
}

export interface Chosen {
  /** Absolute; places in its files are shown. */
  readonly folder: string;
  /** Of a core that serves the function. */
  readonly environment: Environment;
  /** What a person should know about it, in sentences. */
  readonly notes: readonly string[];
}

/**
Finds the function that is to be called, as `dev` does, with the environment that it has there.

@throws CommandFailed, ConfigurationError
*/
export async function chooseFunction(choice: Choice, env: Environment): Promise<Chosen> {
  const manifest = manifestAt(choice.given, process.cwd());
  if (manifest === undefined) return chooseFound(choice, env);
  try {
    return await chooseDeclared(manifest, choice, env);
  } catch (error) {
    const isChosen = path.resolve(choice.given ?? '.') === manifest;
    throw isChosen || choice.name !== undefined ? error : withAdvice(error);
  }
}

/** A function of a manifest, with all that the manifest says of it. */
async function chooseDeclared(manifest: string, {name, envFile}: Choice, env: Environment): Promise<Chosen> {
  const [{planOne}, {environmentOfEach}] = await Promise.all([import('../dev/serverless/plan.ts'), import('../dev/several/each.ts')]);
  const {planned, notes} = planOne(manifest, env, {name, envFile});
  const found = planned.find();
  if ('problem' in found) throw new CommandFailed(exit.misused, `${planned.name}: ${found.problem}`);
  const {own, dropped} = environmentOfEach(env);
  const environment = forCall({...found, isPrivate: false}, own); // nobody needs a token here
  return {folder: found.folder, environment, notes: [...new Set(notes), ...noteDropped(dropped, manifest)]};
}

/** Only settings that would have changed the call are worth a line. */
function noteDropped(dropped: readonly string[], manifest: string): string[] {
  const missed = dropped.filter(setting => /^SCW_(HANDLER|RUNTIME|APPLICATION)_|^CORE_RUNTIME$/.test(setting));
  const verb = missed.length === 1 ? 'has' : 'have';
  return missed.length === 0 ? [] : [`${missed.join(', ')} ${verb} no effect on a function of ${path.basename(manifest)}`];
}

/** The manifest was not asked for: its folder was given, or is the current one. */
function withAdvice(error: unknown): unknown {
  const advice = `name a handler to call it without the file, as in \`${commandLine('invoke handler.js')}\``;
  if (error instanceof ConfigurationError) return new ConfigurationError([...error.problems, advice]);
  return error instanceof CommandFailed ? new CommandFailed(error.exitCode, `${error.message}\n${advice}`) : error;
}

/** A function that a path leads to. */
async function chooseFound({given, name, envFile}: Choice, env: Environment): Promise<Chosen> {
  if (name !== undefined) {
    const place = given === undefined ? 'the current folder has none' : `\`${given}\` is none, nor a folder with one`;
    throw new CommandFailed(exit.misused, `--name: chooses a function of a serverless.yml, and ${place}`);
  }
  const isLanguageKnown = Boolean(env.CORE_RUNTIME || env.SCW_RUNTIME_BRIDGE || env.SCW_HANDLER_IS_BINARY === 'true');
  const found = findFunction(given, process.cwd(), isLanguageKnown);
  const notes = await noteManifest(found.handlerPath, env);
  return {folder: found.folder, environment: forCall({...found, envFile}, env), notes};
}

const forCall = (wish: Wish, env: Environment) => environmentOf(wish, withoutFile(wish, env));

/** Says that a manifest declares the function, as nothing of it counts when the handler itself was named. */
async function noteManifest(handlerPath: string, env: Environment): Promise<string[]> {
  const manifest = manifestAbove(path.dirname(handlerPath));
  if (manifest === undefined) return [];
  const {namesOf} = await import('../dev/serverless/plan.ts');
  try {
    const [name] = namesOf(handlerPath, manifest, env);
    if (name === undefined) return [];
    const folder = path.relative('', path.dirname(manifest));
    const command = commandLine(['invoke', ...(folder === '' ? [] : [shellWord(folder)]), '--name', name].join(' '));
    const file = path.relative('', manifest);
    return [`${file} declares this function, but its variables and settings do not count for a handler's path: \`${command}\` uses them`];
  } catch (error) {
    const isMistake = error instanceof CommandFailed || error instanceof ConfigurationError;
    if (!isMistake) throw error; // a manifest that cannot be read is no reason not to call the handler
    return [];
  }
}
