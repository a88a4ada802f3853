import type {ChildProcess} from 'node:child_process';
import {readLines} from '../../workers/output/lines.ts';
import type {ToDev} from './words.ts';

/** Who is told what the process of a function says. */
export interface Listener {
  isStarting(): boolean;
  said(words: ToDev): void;
  logged(record: string): void;
  /** A line on its stderr, after the start. */
  noted(line: string): void;
  /** Called once. `reason`: what it said on stderr before it served, or how it ended. */
  ended(reason: string): void;
}

/** What a process says on stderr before it serves is the reason why it does not; longer texts are cut off. */
const mostLastWords = 20;
/** A longer record comes in parts, which are no JSON. */
const longestRecordBytes = 8 * 2 ** 20;

/** Passes on what the process of a function says, until it has ended. */
export function follow(running: ChildProcess, {isStarting, said, logged, noted, ended}: Listener): void {
  const lastWords: string[] = [];
  if (running.stderr) {
    readLines(running.stderr, line => {
      if (!isStarting()) noted(line);
      else if (lastWords.length < mostLastWords) lastWords.push(line.replace(/^core-runtime: /, ''));
    });
  }
  if (running.stdout) readLines(running.stdout, logged, {longestBytes: longestRecordBytes});
  running.on('message', words => said(words as ToDev)); // our own program sends nothing else
  let isOver = false;
  const end = (reason: string) => {
    if (!isOver) ended(lastWords.join('\n') || reason);
    isOver = true;
  };
  running.once('error', error => end(error.message));
  running.once('close', (code, signal) => {
    end(signal === null ? `its core ended with exit code ${code}` : `its core was ended by ${signal}`);
  });
}
