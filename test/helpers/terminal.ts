import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {projectFile} from './core.ts';
import {endingWithUs} from './process.ts';

/** A program in a terminal of 24 lines of 100 characters; it needs `python3`. */
export interface RunningTerminal {
  /** What a person types. */
  type(keys: string): void;
  /** Reads on until this is seen. @returns what was shown up to there, since the last time */
  sees(pattern: RegExp): Promise<string>;
  kill(): void;
  readonly ended: Promise<unknown[]>;
}

export function openTerminal(command: readonly string[], env: Record<string, string>, cwd?: string): RunningTerminal {
  const [file, args] = endingWithUs(['python3', projectFile('test/fixtures/pseudo-terminal.py'), ...command]);
  const terminal = spawn(file, args, {env, stdio: ['pipe', 'pipe', 'inherit'], ...(cwd !== undefined && {cwd})});
  const arrivals = terminal.stdout.setEncoding('utf8')[Symbol.asyncIterator]();
  let unread = '';
  return {
    ended: once(terminal, 'exit'),
    type: keys => void terminal.stdin.write(keys),
    kill: () => void terminal.kill('SIGKILL'),
    async sees(pattern) {
      for (;;) {
        const found = pattern.exec(unread);
        if (found) {
          const seen = unread.slice(0, found.index + found[0].length);
          unread = unread.slice(seen.length);
          return seen;
        }
        const {value, done} = await arrivals.next();
        if (done) throw new Error(`${pattern} was not seen in: ${unread}`);
        unread += value;
      }
    },
  };
}
