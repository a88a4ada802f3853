import {isoStamp} from '../clock.ts';
import {askCore, messageOf, NoCore} from '../command/core-here.ts';
import {envOfCore} from '../command/cores-here.ts';
import {CommandFailed} from '../command/failure.ts';
import type {Cell} from '../command/table.ts';
import {exit} from '../exit.ts';
import type {Environment} from '../settings/setting.ts';

/** An item of work, as src/admin/work/view.ts writes it. */
export interface ItemAnswer {
  readonly id: string;
  readonly status: string;
  readonly acceptedAt: number;
  readonly due: number;
  readonly attempts: number;
  /** True: it is over, and what is tried is to post its reply. */
  readonly posting?: boolean;
  readonly orderingKey?: string;
  readonly reason?: {readonly why: string; readonly class: string; readonly status: number};
  readonly deadAt?: number;
}

/** How far a redrive is, as src/admin/work/redrive.ts writes it. */
export interface RedriveAnswer {
  readonly state: 'sending' | 'checking' | 'done' | 'stopped' | 'failed';
  readonly sent: number;
  readonly skipped: number;
  readonly cause?: string;
  readonly endedAt?: number;
}

/** The journal may be busy; the core answers then, too. */
const waitMs = 15_000;

export type Asker = (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => Promise<Record<string, unknown>>;

/**
Asks the core that runs here about its work.

@throws CommandFailed with exit code 1 when it refuses, in its own sentence; NoCore
*/
export async function workAsker(given: Environment): Promise<Asker> {
  const env = await envOfCore(given);
  return async (method, path, asked) => {
    const {status, body} = await askCore(env, method, path, {waitMs, ...(asked && {body: JSON.stringify(asked)})});
    if (!body) throw new NoCore(`what answers there does not know work (status ${status})`);
    if (status >= 300) throw new CommandFailed(exit.failed, messageOf(body) ?? `the core refused with status ${status}`);
    return body;
  };
}

/** @returns `?name=value&…` of those that are given; '' when none is */
export function queryOf(given: Readonly<Record<string, string | number | undefined>>): string {
  const pairs = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`;
}

export const deadColumns = [
  {head: 'DEAD SINCE', width: 24},
  {head: 'ID', width: 36},
  {head: 'ATTEMPTS', isNumber: true},
  {head: 'WHY'},
  {head: 'CLASS'},
  {head: 'STATUS', isNumber: true},
  {head: 'KEY'},
];

export const deadCells = ({id, deadAt, attempts, reason, orderingKey}: ItemAnswer): Cell[] => [
  {text: deadAt === undefined ? '–' : isoStamp(deadAt), style: 'dim'},
  id,
  attempts,
  {text: reason?.why ?? '', style: 'red'},
  reason?.class,
  reason?.status,
  orderingKey,
];
