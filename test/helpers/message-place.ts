import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {type RunningCore, startCore} from './core.ts';
import {writtenLines} from './lines.ts';
import type {Sent, Source} from './message-broker.ts';
import {ask} from './request.ts';

/* Cores that are called with messages, and what became of these. */

const handler = `
const {appendFileSync, existsSync} = require('node:fs');
exports.handle = async (event, context) => {
  const {fails = 0, until, ms = 0, n} = /^\\{/.test(event.body) ? JSON.parse(event.body) : {};
  appendFileSync(process.env.CALLS, JSON.stringify({n, event, id: context.invocationId}) + '\\n');
  while (until && !existsSync(until)) await new Promise(resolve => setTimeout(resolve, 5));
  if (ms) await new Promise(resolve => setTimeout(resolve, ms));
  if (event.requestContext.message.attempt <= fails) return {statusCode: 500, body: 'not yet'};
  return {statusCode: 200, body: 'done'};
};`;

interface Called {
  readonly n: number;
  readonly id: string;
  readonly event: {
    readonly httpMethod: string;
    readonly path: string;
    readonly body: string;
    readonly isBase64Encoded: boolean;
    readonly headers: Readonly<Record<string, string>>;
    readonly requestContext: {readonly eventType: string; readonly message: {readonly id: string; readonly attempt: number}};
  };
}

/** Cores with one trigger, and what their functions were called with. */
export async function place(t: ExecutionContext, entry: Source['entry'], more: Record<string, string> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'messages-'));
  t.teardown(() => rm(folder, {recursive: true, force: true, maxRetries: 5}));
  await writeFile(join(folder, 'handler.js'), handler);
  await writeFile(join(folder, 'calls'), '');
  const env = {
    SCW_PUBLIC: 'true',
    SCW_HANDLER_PATH: join(folder, 'handler.js'),
    SCW_HANDLER_NAME: 'handle',
    CALLS: join(folder, 'calls'),
    CORE_JOURNAL: `sqlite:${folder}/journal.db`,
    CORE_CONCURRENCY: '8',
    CORE_TRIGGERS: JSON.stringify([{name: 'orders', ...entry}]),
    ...more,
  };
  return {
    folder,
    start: (own: Record<string, string> = {}) => startCore({...env, ...own}, t),
    calls: (): Called[] => writtenLines(join(folder, 'calls')).map(line => JSON.parse(line)),
  };
}

export const message = (n: number, more: object = {}): Sent => ({body: JSON.stringify({n, ...more})});
/** Each once, the least first. */
export const numbersOf = (calls: readonly Called[]) => [...new Set(calls.map(({n}) => n))].toSorted((a, b) => a - b);
export const range = (count: number, first = 0) => Array.from({length: count}, (_, index) => first + index);

export async function until(fits: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await fits())) await new Promise(resolve => setTimeout(resolve, 20));
}

export const metric = async (core: RunningCore, name: string) => {
  const text = (await ask(`${core.adminUrl}/metrics`)).body.toString();
  const lines = text.split('\n').filter(line => line.startsWith(`${name}{`));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
};
