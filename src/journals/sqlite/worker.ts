import {Worker} from 'node:worker_threads';
import {attempt} from '../../attempt.ts';

/** Facts live as long as one commit: a larger young generation would only hold more of those that were written. */
const resourceLimits = {maxYoungGenerationSizeMb: 1};

/** Started before anybody wanted it. */
let ahead: Worker | undefined;

/**
Starts the writer's thread before it is known which file it writes. It boots on another processor while the core loads its
code, which takes as long: a fifth of a start.

@returns undefined when the system refused it. It does so again, with its reason, when the journal is opened
*/
export function startAhead(): Worker | undefined {
  const worker = attempt(startWorker);
  const forget = () => {
    if (ahead === worker) ahead = undefined;
  };
  worker?.once('error', forget);
  worker?.once('exit', forget);
  worker?.unref();
  ahead = worker;
  return worker;
}

/** The thread that was started ahead, or a new one. It waits for `open`. */
export function takeWorker(): Worker {
  const worker = ahead ?? startWorker();
  ahead = undefined;
  worker.ref();
  return worker;
}

/** Ends the thread that was started ahead, as another engine keeps the journal. */
export function endUnused(): void {
  void ahead?.terminate();
  ahead = undefined;
}

const startWorker = () => new Worker(new URL('./thread-entry.ts', import.meta.url), {name: 'journal', execArgv: [], resourceLimits});
