#!/usr/bin/env node
import {enableCompileCache} from 'node:module';
import {parseArgs} from 'node:util';
import {takeEnvironment} from './settings/environment.ts';

enableCompileCache();
// Node would open its inspector's port on it, and the function may send it. Listened to, it does nothing.
process.on('SIGUSR1', () => {});

interface Command {
  readonly doc: string;
  /** False: it reads them in its own way, or does without. */
  readonly readsSettings?: boolean;
  run(args: string[], env: NodeJS.ProcessEnv): Promise<void>;
}

/** The commands; each file is loaded only when its command is given. */
const commands: Readonly<Record<string, Command>> = {
  dev: {
    doc: 'dev <handler>      Serve a handler publicly on this machine and print what to try.',
    readsSettings: false,
    run: async (args, env) => (await import('./commands/dev.ts')).dev(args, env),
  },
  start: {
    doc: 'start              Serve the function that the environment describes, as the container does.',
    readsSettings: false,
    run: async (args, env) => {
      parseArgs({args, options: {}});
      return (await import('./serve/run.ts')).run(env);
    },
  },
  config: {
    doc: 'config [--json]    Print every setting, its value and where it came from. [--markdown] prints the README table.',
    readsSettings: false,
    run: async (args, env) => (await import('./commands/config.ts')).config(args, env),
  },
  schedules: {
    doc: 'schedules [--json] Print the next five occurrences of each schedule.',
    run: async (args, env) => (await import('./commands/schedules.ts')).schedules(args, env),
  },
  ready: {
    doc: 'ready              Tell whether the core that runs here can take calls; exit code 0 when it can. [--json]',
    run: async (args, env) => (await import('./commands/ready.ts')).ready(args, env),
  },
  fire: {
    doc: 'fire <schedule>    Run a schedule now, through the core that runs here. [--at <time>] runs an occurrence that was missed. [--json]',
    run: async (args, env) => (await import('./commands/fire.ts')).fire(args, env),
  },
  invocations: {
    doc: 'invocations        List the recorded invocations. [--status failed] [--since 1h] [--limit 100] [--json]',
    run: async (args, env) => (await import('./commands/invocations.ts')).invocations(args, env),
  },
  explain: {
    doc: 'explain <id>       Tell one invocation: what happened when, who failed, which process, which code. [--json]',
    run: async (args, env) => (await import('./commands/explain.ts')).explain(args, env),
  },
  facts: {
    doc: 'facts              Print the facts of the journal. [--follow] [--stream <prefix>] [--after <position>] [--json]',
    run: async (args, env) => (await import('./commands/facts.ts')).facts(args, env),
  },
  replay: {
    doc: 'replay <id…> | --since 1h [--sample N]   Run recorded invocations again and tell what changed. [--against <handler>] [--fail-on status,body] [--json]',
    run: async (args, env) => (await import('./commands/replay.ts')).replay(args, env),
  },
  journal: {
    doc: 'journal export [--payloads] | import [<file>] | verify [--json] | backup <file>   Move, check and save the journal.',
    run: async (args, env) => (await import('./commands/journal.ts')).journal(args, env),
  },
  conform: {
    doc: 'conform [--handler <file>] [--name <export>] [--json] -- <command>   Check a sub-runtime of any language against the protocol.',
    readsSettings: false,
    run: async (args, env) => (await import('./commands/conform.ts')).conform(args, env),
  },
};

const {positionals, values} = parseArgs({
  strict: false,
  allowPositionals: true,
  args: process.argv.slice(2, 3),
  options: {help: {type: 'boolean', short: 'h'}, version: {type: 'boolean', short: 'v'}},
});
const [name = ''] = positionals;
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;

if (values.version) {
  const {version} = await import('./version.ts');
  console.log(version);
} else if (command && process.argv.slice(3).some(arg => arg === '--help' || arg === '-h')) {
  console.log(`core-runtime ${command.doc}`);
} else if (command) {
  await runCommand(command).catch(refuseMisuse);
} else if (values.help) {
  console.log(usage());
} else {
  console.error(name === '' ? usage() : `core-runtime: expected a command, got \`${name}\`\n\n${usage()}`);
  process.exitCode = 64; // sysexits.h, EX_USAGE
}

/** A bad setting stops every command in the same way. */
async function runCommand({run, readsSettings = true}: Command): Promise<void> {
  const env = takeEnvironment(process.env);
  if (readsSettings && !(await import('./commands/settings.ts')).settingsAreGood(env)) return;
  await run(process.argv.slice(3), env);
}

/** A mistake in the command line is told in one sentence; any other error is a bug and keeps its stack. */
function refuseMisuse(error: unknown): void {
  const isMisuse = error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
  if (!isMisuse) throw error;
  console.error(`core-runtime: ${error.message}\n\n  core-runtime ${command?.doc}`);
  process.exitCode = 64;
}

function usage(): string {
  const lines = Object.values(commands).map(({doc}) => `  core-runtime ${doc}`);
  const which = 'Commands that read a journal take --journal <file> or --handler <file>; else the settings tell which is meant.';
  return `Turns any function into a production service.\n\n${lines.join('\n')}\n\n  core-runtime --help | --version\n\n${which}`;
}
