import {bytes, count, duration} from '../format.js';

/** @typedef {{column: string, label: string, colour: string, isFilled?: boolean}} Line `colour` is a custom property of the style sheet */
/** @typedef {{title: string, show: (value: number) => string, steps?: readonly number[], lines: readonly Line[]}} PlotOfColumns */

/** Distances of the marks of an axis: no half call, and no odd number of MiB. */
const wholes = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];
const powers = Array.from({length: 30}, (_, exponent) => 2 ** (exponent + 10));

/** @type {readonly PlotOfColumns[]} */
export const plots = [
  {
    title: 'Requests and errors a second',
    show: count,
    lines: [
      {column: 'requests', label: 'requests', colour: '--plot-1', isFilled: true},
      {column: 'errors', label: 'errors', colour: '--plot-bad'},
    ],
  },
  {
    title: 'Time to the reply',
    show: duration,
    lines: [
      {column: 'p50Ms', label: 'p50', colour: '--plot-1'},
      {column: 'p99Ms', label: 'p99', colour: '--plot-2'},
    ],
  },
  {
    title: 'Calls in flight and waiting',
    show: count,
    steps: wholes,
    lines: [
      {column: 'inFlight', label: 'in flight', colour: '--plot-1', isFilled: true},
      {column: 'waiting', label: 'waiting', colour: '--plot-2'},
      {column: 'subRuntimesReady', label: 'sub-runtimes ready', colour: '--plot-3'},
    ],
  },
  {
    title: 'Memory',
    show: bytes,
    steps: powers,
    lines: [
      {column: 'coreBytes', label: 'core', colour: '--plot-1'},
      {column: 'functionBytes', label: 'function', colour: '--plot-2'},
    ],
  },
];
