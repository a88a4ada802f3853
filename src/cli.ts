#!/usr/bin/env node
import {enableCompileCache} from 'node:module';
import {parseArgs} from 'node:util';

enableCompileCache();

/** The commands; each file is loaded only when its command is given. */
const commands: Readonly<Record<string, {doc: string; run(args: string[], env: NodeJS.ProcessEnv): Promise<void>}>> = {
  dev: {
    doc: 'dev <handler>      Serve a handler publicly on this machine and print what to try.',
    run: async (args, env) => (await import('./commands/dev.ts')).dev(args, env),
  },
  start: {
    doc: 'start              Serve the function that the environment describes, as the container does.',
    run: async (_args, env) => (await import('./run.ts')).run(env),
  },
  config: {
    doc: 'config [--json]    Print every setting, its value and where it came from. [--markdown] prints the README table.',
    run: async (args, env) => (await import('./commands/config.ts')).config(args, env),
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
} else if (command) {
  await command.run(process.argv.slice(3), process.env);
} else if (values.help) {
  console.log(usage());
} else {
  console.error(name === '' ? usage() : `core-runtime: expected a command, got \`${name}\`\n\n${usage()}`);
  process.exitCode = 64; // sysexits.h, EX_USAGE
}

function usage(): string {
  const lines = Object.values(commands).map(({doc}) => `  core-runtime ${doc}`);
  return `Turns any function into a production service.\n\n${lines.join('\n')}\n\n  core-runtime --help | --version`;
}
