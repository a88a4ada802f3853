import {readFileSync} from 'node:fs';
import type {Clock} from '../clock.ts';
import {statOf} from '../workers/proc/stat.ts';

/** How often the chain of launchers is checked. */
const pollMs = 500;
/** npm starts a shell, and the shell starts the command. Longer chains than this do not occur. */
const longestChain = 8;

/**
Resolves when the package launcher that started this process, such as npx, is gone. A person who kills npx wants to end the
command, but the signal ends npx alone: the command, and a shell between them, would go on unseen and keep the port. Other
parents do not count: a terminal or a script may start a command in the background and leave.

Never resolves without such a launcher, or where the system has no /proc. Keeps no process alive: a command that has failed
ends, though its launcher waits for it.
*/
export async function launcherGone(clock: Clock): Promise<void> {
  const chain = launchers(process.ppid);
  if (chain.length === 0) return new Promise(() => {});
  const isWhole = () => chain.every((pid, index) => (index === 0 ? process.ppid : parentOf(chain[index - 1] ?? 0)) === pid);
  while (isWhole()) await new Promise<void>(resolve => clock.after(pollMs, resolve));
}

/** The launchers above this process, and the shells between them, the nearest first. This package's command is one where its Node is too old. */
function launchers(parent: number): readonly number[] {
  const chain: number[] = [];
  let highest = 0;
  for (let pid = parent; chain.length < longestChain && pid > 1; pid = parentOf(pid)) {
    const command = commandOf(pid);
    const isLauncher =
      /^(?:\S*\/)?(?:node (?:-- )?)?(?:\S*\/)?(?:npm|npx|pnpm|pnpx|yarn|yarnpkg|bunx?|core-runtime)(?:-cli)?(?:\.[cm]?js)?(?: |$)/.test(
        command,
      );
    if (!isLauncher && !/^(?:\S*\/)?(?:sh|dash|bash|ash|zsh) -c /.test(command)) break;
    chain.push(pid);
    if (isLauncher) highest = chain.length;
  }
  return chain.slice(0, highest);
}

/** The command line of a process; '' when it cannot be read. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** The parent of a process; 0 when the process is gone. */
const parentOf = (pid: number): number => statOf(pid)?.parent ?? 0;
