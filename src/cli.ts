#!/usr/bin/env node
import {enableCompileCache} from 'node:module';
import {startSmall} from './limits/small-start.ts';
import {takeEnvironment} from './settings/environment.ts';

const [, , command = ''] = process.argv;
if (command === 'start') startSmall(process.env);
enableCompileCache();
// By default SIGUSR1 opens Node's inspector on a port, and the function may send it. With a listener it does nothing.
process.on('SIGUSR1', () => {});

// Imported only now, so that the compile cache serves them.
const {noteHowCalled} = await import('./called-as.ts');
const {findCommand, loadCommands} = await import('./commands/index.ts');
const {CommandFailed} = await import('./command/failure.ts');
const {complain} = await import('./command/terminal.ts');

noteHowCalled(process.env);
try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof CommandFailed)) throw error;
  complain(error.message);
  process.exitCode = error.exitCode;
}

async function main(words: readonly string[]): Promise<void> {
  const [first = '', second = ''] = words;
  if (first === '--version' || first === '-v') {
    const {version} = await import('./version.ts');
    console.log(version);
    return;
  }
  if (first === 'help') return main([...(second === '' ? [] : words.slice(1)), '--help']);
  if (asksForHelp(words)) {
    const {helpFor} = await import('./commands/help.ts');
    const help = helpFor(first, second, await loadCommands());
    if (help !== undefined) return console.log(help);
  }
  const {runCommand} = await import('./commands/run-command.ts');
  await runCommand(await findCommand(words), takeEnvironment(process.env));
}

/** What stands behind `--` belongs to another program. */
function asksForHelp(args: readonly string[]): boolean {
  const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  return own.includes('--help') || own.includes('-h');
}
