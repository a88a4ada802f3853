import v8 from 'node:v8';

/**
Lets the heap grow to twice what is alive before V8 collects its old part; by default it may be four times as much. Objects
of requests that wait get old before they die: under a flood the process would be mostly garbage. To be called once, at
the start, by each process that serves.
*/
export function boundGarbage(): void {
  v8.setFlagsFromString('--heap-growing-percent=100');
}
