import {askCore, type CoreAnswer} from '../../command/core-here.ts';
import type {Environment} from '../../settings/setting.ts';
import type {Shown} from './banner.ts';

/** Longest wait for an answer that a core has at once. */
const answerMs = 2000;

export interface KnownSchedule {
  readonly of: Shown;
  readonly name: string;
  /** The next occurrence; undefined when there is none. Milliseconds since 1970. */
  readonly at: number | undefined;
  /** IANA zone of the schedule; undefined when it is not known. */
  readonly timezone: string | undefined;
}

/** The schedules of a function; none when its core does not answer. */
export async function schedulesOf(of: Shown, env: Environment): Promise<KnownSchedule[]> {
  const answer = await ask(of, env, 'GET', '/api/schedules', answerMs).catch(() => undefined);
  const {schedules} = answer?.body ?? {};
  return Array.isArray(schedules) ? schedules.flatMap(each => scheduleIn(each, of)) : [];
}

function scheduleIn(view: unknown, of: Shown): KnownSchedule[] {
  const {name, next, timezone} = Object(view);
  if (typeof name !== 'string') return [];
  const at = Array.isArray(next) ? Date.parse(String(next[0])) : Number.NaN;
  return [{of, name, at: Number.isNaN(at) ? undefined : at, timezone: typeof timezone === 'string' ? timezone : undefined}];
}

/** Runs a schedule now. @returns why it did not run; undefined when it has run, well or badly */
export async function fireSchedule({of, name}: KnownSchedule, env: Environment): Promise<string | undefined> {
  const {status, body} = await ask(of, env, 'POST', `/api/schedules/${encodeURIComponent(name)}/fire`, 0);
  if (status === 200 || status === 202) return undefined;
  const {message} = Object(body?.error);
  return typeof message === 'string' ? message : `the core refused with status ${status}`;
}

function ask({adminUrl}: Shown, env: Environment, method: 'GET' | 'POST', path: string, waitMs: number): Promise<CoreAnswer> {
  const {hostname, port} = new URL(adminUrl);
  const place = {CORE_ADMIN_HOST: hostname.replace(/^\[|\]$/g, ''), CORE_ADMIN_PORT: port};
  return askCore({CORE_ADMIN_TOKEN: env.CORE_ADMIN_TOKEN, ...place}, method, path, {waitMs});
}
