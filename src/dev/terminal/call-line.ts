import {dateOf} from '../../clock.ts';
import type {Began, Ended} from '../../observation.ts';
import {printable} from '../../printable.ts';
import {type Ink, statusStyle} from './ink.ts';

/** Longer targets are cut: a line for a call is one line. */
const longestTarget = 120;
/** What stands below a call begins where its method does. */
export const indent = ' '.repeat('12:01:07  '.length);

/** `12:01:07  GET  /todos?page=2  200  3.1 ms  #7f3a` */
export function callLine({at, kind, target, status, durationMs, id}: Ended, ink: Ink): string {
  return [
    ...head(at, kind, target, ink),
    ink(statusStyle(status), String(status)),
    ink('dim', durationText(durationMs)),
    tag(id, ink),
  ].join('  ');
}

/** The line of a call that has not ended: `12:01:07  GET  /slow  …  #7f3a` */
export function runningLine({at, kind, target, id}: Began, ink: Ink): string {
  return [...head(at, kind, target, ink), ink('dim', '…'), tag(id, ink)].join('  ');
}

const head = (at: number, kind: string, target: string, ink: Ink) => [
  timeText(at, ink),
  ink('bold', printable(cut(kind, 20))),
  printable(cut(target, longestTarget)),
];

/** The end of the id, by which a person finds it again. */
export const tag = (id: string, ink: Ink) => ink('dim', `#${printable(id.slice(-4))}`);

export const timeText = (at: number, ink: Ink) => ink('dim', dateOf(at).toTimeString().slice(0, 8));

/** `0.4 ms`, `31 ms`, `2.3 s`, `4 min 5 s` */
export function durationText(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

export const cut = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
