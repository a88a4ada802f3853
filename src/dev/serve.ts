import path from 'node:path';
import {commandLine} from '../called-as.ts';
import {systemClock} from '../clock.ts';
import {shellWord} from '../command/shell-word.ts';
import {run} from '../serve/run.ts';
import type {Served} from '../serve/serve.ts';
import type {Environment} from '../settings/setting.ts';
import {openInBrowser} from './browser.ts';
import {interpreterBehindScript} from './interpreter.ts';
import {networkNote} from './network.ts';
import {freePort, requireFree} from './ports.ts';
import {keyForRun} from './private-here.ts';
import {reloaderOf} from './reload.ts';
import type {DevServer, Reporter} from './reporter.ts';
import {watchFunction} from './watch.ts';
import {environmentOf, sourcesOf, type Wish, withoutFile} from './wish.ts';

/**
Serves one function in this process until a signal comes; once for each process.

@throws CommandFailed when a port or a file that was asked for cannot be had
*/
export async function serveFunction(asked: Wish, given: Environment, reporter: Reporter): Promise<void> {
  const env = withoutFile(asked, given);
  const openToDeveloper = keyForRun(systemClock, sentence => reporter.noted(sentence));
  const wish = await openToDeveloper(await withInterpreter(await withPorts(asked, env, reporter), env), env);
  const edits = wish.isStill ? undefined : new EarlyEdits(wish, reporter);
  let reload: DevServer['reload'] | undefined;
  await run(environmentOf(wish, env), {
    sources: sourcesOf(wish, env),
    observer: reporter.feed,
    async reload() {
      await reload?.();
    },
    onServed(served) {
      reload = reloaderOf(served, {wish, env, clock: systemClock, reporter});
      void report(served, reload);
      edits?.pass(reload);
    },
  });

  async function report(served: Served, reload: DevServer['reload']): Promise<void> {
    const {runtime = served.spec.language, error} = await served.started;
    const name = environmentOf(wish, env).SCW_APPLICATION_NAME || path.basename(wish.folder);
    const stop = () => process.kill(process.pid, 'SIGINT');
    reporter.serving({served, wish, name, runtime, ...(error !== undefined && {error}), reload, stop});
    const open = networkNote(environmentOf(wish, env).CORE_HOST ?? '', new URL(served.url).port);
    if (open !== undefined) reporter.noted(open);
    if (wish.isBinary && error !== undefined) reporter.noted(ofProgram(wish.handlerPath));
    if (wish.opens) openInBrowser(served.url);
  }
}

/** A program that runs well by itself, such as a web server, may still be no function. */
const ofProgram = (file: string) =>
  `A program must serve the protocol of sub-runtimes, as the libraries for Go and Rust do; \`${commandLine(`conform -- ${shellWord(file)}`)}\` says what it lacks`;

/** Edits from the moment at which the command was given: those that come before the core is open wait for it. */
class EarlyEdits {
  readonly #early = new Set<string>();
  #reload: DevServer['reload'] | undefined;

  constructor(wish: Wish, reporter: Reporter) {
    watchFunction(wish, {
      clock: systemClock,
      changed: files => this.#changed(files),
      troubled: problem => reporter.noted(problem),
    });
  }

  pass(reload: DevServer['reload']): void {
    this.#reload = reload;
    if (this.#early.size > 0) void reload([...this.#early]);
  }

  #changed(files: readonly string[]): void {
    if (this.#reload) void this.#reload(files);
    else for (const file of files) this.#early.add(file);
  }
}

/** The wish with the interpreter itself, as far as nothing names one. */
async function withInterpreter(wish: Wish, env: Environment): Promise<Wish> {
  const given = environmentOf(wish, env);
  if (given.CORE_COMMAND || given.SCW_RUNTIME_BINARY || given.SCW_RUNTIME_BRIDGE || given.CORE_RUNTIME) return wish;
  const file = await interpreterBehindScript(wish.handlerPath, given);
  return file === undefined ? wish : {...wish, settings: {...wish.settings, SCW_RUNTIME_BINARY: file}};
}

/** The wish with ports that are free, as far as nothing names others. */
async function withPorts(wish: Wish, env: Environment, reporter: Reporter): Promise<Wish> {
  const given = environmentOf(wish, env);
  const host = given.CORE_HOST || '::';
  if (wish.port !== undefined) await requireFree(host, wish.port);
  const port = given.PORT ? undefined : await freePort(host, usual.port);
  if (port !== undefined && port !== usual.port) reporter.noted(`Port ${usual.port} is taken: serving on ${port}`);
  const adminPort = given.CORE_ADMIN_PORT ? undefined : await freePort(given.CORE_ADMIN_HOST || '127.0.0.1', usual.adminPort);
  return {...wish, ...(port !== undefined && {port}), ...(adminPort !== undefined && {adminPort})};
}

const usual = {port: 8080, adminPort: 8090} as const;
