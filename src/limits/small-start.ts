import v8 from 'node:v8';
import {attempt} from '../attempt.ts';
import {memoryLimit} from './container.ts';
import {divideMemory} from './shares.ts';

/** Flags of V8 and Node that make a process small, but must be set before it runs. Each was measured: docs/benchmarks.md. */
const flags = (heapMegabytes: number) => [
  '--v8-pool-size=1', // each thread has a heap of malloc, and keeps what it once needed
  '--single-threaded-gc', // the same
  '--no-concurrent-recompilation', // the same: up to 20 MB
  // Otherwise the first collection waits for a heap as large as the container.
  `--max-old-space-size=${heapMegabytes}`,
  '--max-semi-space-size=2',
];

/** How glibc's malloc keeps less. The function's process inherits it. */
const environment = {
  MALLOC_ARENA_MAX: '1', // one heap for all threads: what one of them frees, another can use
  MALLOC_MMAP_THRESHOLD_: '131072', // a body that is freed goes back to the system; by default large ones are kept, too
};

type Environment = Readonly<Record<string, string | undefined>>;

/**
Starts this program once more, as the same process, where the container is small. It returns where the container is not
small, or the program was started so already. To be called before anything else is loaded: it costs 20 ms.
*/
export function startSmall(env: Environment): void {
  const {execve, execPath, execArgv, argv} = process;
  const {isSmall, heapBytes} = divideMemory(memoryLimit());
  if (!isSmall || !execve || execArgv.some(arg => arg.startsWith('--v8-pool-size='))) return;
  const args = [execPath, ...flags(Math.floor(heapBytes / 2 ** 20)), ...execArgv, ...argv.slice(1)];
  attempt(() => execve(execPath, args, {...environment, ...env}));
}

/**
Keeps the heap near what is alive, and no freed pages for later, where the container is small. To be called once all is
loaded: the compile cache belongs to other flags, and serves nothing from then on.
*/
export function staySmall(): void {
  if (divideMemory(memoryLimit()).isSmall) v8.setFlagsFromString('--memory-saver-mode');
}
