import {printable} from '../../printable.ts';
import {cut, durationText} from './call-line.ts';
import type {Tally} from './tally.ts';

/** An occurrence of a schedule to come. */
export interface Due {
  readonly name: string;
  /** Wall time in milliseconds. */
  readonly at: number;
}

/** `12 requests · 1 error · 2 other calls, 1 failed · p50 3.1 ms · 1 process · next nightly in 3 h · h help`; fits into `width`, with fewer parts if it must. */
export function statusText(tally: Tally, due: Due | undefined, now: number, width: number): string {
  const median = tally.medianMs();
  const calls = [counted(tally.requests, 'request'), counted(tally.errors, 'error'), ...otherCalls(tally)];
  const speed = median === undefined ? [] : [`p50 ${durationText(median)}`];
  const processes = [counted(tally.processes, 'process', 'processes')];
  const next = due ? [`next ${printable(cut(due.name, 30))} ${inText(due.at - now)}`] : [];
  const most = Math.max(1, width - 1); // a line that is full would begin another one
  for (const parts of [[...speed, ...processes, ...next], [...speed, ...next], speed]) {
    const text = ` ${[...calls, ...parts, 'h help'].join(' · ')}`;
    if (text.length <= most) return text;
  }
  return cut(` ${calls.join(' · ')}`, most);
}

function otherCalls({otherCalls, otherFailures}: Tally): string[] {
  if (otherCalls === 0) return [];
  return [`${counted(otherCalls, 'other call')}${otherFailures > 0 ? `, ${otherFailures.toLocaleString('en')} failed` : ''}`];
}

const counted = (count: number, one: string, many = `${one}s`) => `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

/** `now`, `in 40 s`, `in 5 min`, `in 3 h`, `in 2 days` */
export function inText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds <= 0) return 'now';
  if (seconds < 100) return `in ${seconds} s`;
  if (seconds < 100 * 60) return `in ${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `in ${Math.round(seconds / 3600)} h`;
  return `in ${Math.round(seconds / 86_400)} days`;
}
