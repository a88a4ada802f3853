import {existsSync} from 'node:fs';
import {systemClock} from '../../src/clock.ts';
import {measure} from '../load.ts';
import {ourProgram, type Program} from '../servers.ts';
import {type Answers, askReplies, type Bodies, sendBodies} from './bodies.ts';
import {type Contained, contain} from './contained.ts';

export interface CheckOptions {
  readonly handler: string;
  readonly limitBytes: number;
  /** The core's main module. */
  readonly main: string;
  /** Of small calls. */
  readonly seconds: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Bytes of the control group: all that it uses, and without files that the kernel could drop. */
export interface Held {
  readonly usedBytes: number;
  readonly ownBytes: number;
}

export interface Checked {
  /** A second after the first answer. */
  readonly idle: Held;
  /** A second after the small calls. */
  readonly afterSmall: Held;
  readonly end: Held;
  readonly small: {readonly requestsPerSecond: number; readonly errors: number};
  readonly large: readonly {readonly bodies: Round; readonly answers: Answers}[];
  /** Processes that the kernel killed for want of memory. */
  readonly kills: number;
  readonly coreDied: boolean;
  /** What did not hold, as sentences. */
  readonly broken: readonly string[];
}

/** A round, and which part of it must be answered 200. */
export type Round = Bodies & {readonly leastGood: number};

const mebibyte = 2 ** 20;
const rounds: readonly Round[] = [
  {bytes: mebibyte, bodies: 48, atOnce: 8, leastGood: 0.9},
  {bytes: 6 * mebibyte, bodies: 8, atOnce: 4, leastGood: 0},
];
const replyRounds: readonly Round[] = [
  {bytes: 1e6, bodies: 192, atOnce: 64, leastGood: 0.5},
  {bytes: 4e6, bodies: 48, atOnce: 16, leastGood: 0.5},
];
const settleMs = 1000;
const startMs = 60_000;

/**
Small calls on 32 connections, then bodies of 1 MiB and of 6 MiB, against a core that shares so much memory with its function.

@returns undefined where this machine lets nobody make a control group
*/
export async function checkContainer(options: CheckOptions): Promise<Checked | undefined> {
  await using stack = new AsyncDisposableStack();
  const opened = await openContained(options, stack);
  if (!opened) return undefined;
  const {contained, url} = opened;
  await systemClock.sleep(settleMs);
  const idle = held(contained);
  const small = await smallCalls(url, options.seconds);
  await systemClock.sleep(settleMs);
  const afterSmall = held(contained);
  const large: {bodies: Round; answers: Answers}[] = [];
  for (const bodies of rounds) large.push({bodies, answers: await sendBodies(url, bodies)});
  const found = {idle, afterSmall, end: held(contained), small, large, kills: contained.group.kills(), coreDied: contained.isOver()};
  return {...found, broken: judge(found)};
}

/** The core in its control group, once it answers; undefined where none can be made. */
async function openContained({handler, limitBytes, main, env}: CheckOptions, stack: AsyncDisposableStack) {
  const program = await ourProgram('echo', stack, {main, env: {SCW_HANDLER_PATH: handler, ...env}});
  const contained = await contain(program, limitBytes);
  if (!contained) return undefined;
  stack.use(contained);
  return {contained, url: await answering(program, contained)};
}

/** NaN where the core did not survive them. */
const smallCalls = (url: string, seconds: number) =>
  measure({url, connections: 32, seconds}).catch(() => ({requestsPerSecond: Number.NaN, errors: Number.NaN}));

/** What was found where callers ask for long replies. */
export type CheckedReplies = Pick<Checked, 'small' | 'large' | 'kills' | 'coreDied' | 'broken'>;

/**
Long replies, twice: the first calls ask for them, then again after small calls, when many calls run at a time.

@param handler answers with as many bytes as the body says
@returns undefined where this machine lets nobody make a control group
*/
export async function checkReplies(options: CheckOptions): Promise<CheckedReplies | undefined> {
  await using stack = new AsyncDisposableStack();
  const opened = await openContained(options, stack);
  if (!opened) return undefined;
  const {contained, url} = opened;
  const large: {bodies: Round; answers: Answers}[] = [];
  for (const bodies of replyRounds) large.push({bodies, answers: await askReplies(url, bodies)});
  const small = await smallCalls(url, options.seconds);
  for (const bodies of replyRounds) large.push({bodies, answers: await askReplies(url, bodies)});
  const found = {small, large, kills: contained.group.kills(), coreDied: contained.isOver()};
  return {...found, broken: judge(found)};
}

function judge({small, large, kills, coreDied}: Omit<CheckedReplies, 'broken'>): string[] {
  const broken: string[] = [];
  if (coreDied) broken.push('the core ended');
  if (kills > 0) broken.push(`the kernel killed ${kills} for want of memory`);
  if (small.errors !== 0) broken.push(`${small.errors} small calls failed`);
  for (const {bodies, answers} of large) {
    const {leastGood} = bodies;
    const size = bodies.bytes % mebibyte === 0 ? `bodies of ${bodies.bytes / mebibyte} MiB` : `replies of ${bodies.bytes / 1e6} MB`;
    if (answers.wrong.length > 0) broken.push(`${size}: ${answers.wrong.length} × ${[...new Set(answers.wrong)].join(', ')}`);
    if (answers.good < leastGood * bodies.bodies) broken.push(`${size}: only ${answers.good} of ${bodies.bodies} were answered 200`);
  }
  return broken;
}

async function answering({port}: Program, contained: Contained): Promise<string> {
  const url = `http://127.0.0.1:${port}/`;
  const untilMs = systemClock.monotonic() + startMs;
  while (!(await isGood(url))) {
    if (contained.isOver() || systemClock.monotonic() > untilMs) throw new Error('The core did not answer');
    await systemClock.sleep(20);
  }
  return url;
}

const isGood = async (url: string) => (await fetch(url).catch(() => undefined))?.ok === true;
const held = ({group}: Contained): Held => ({usedBytes: group.usedBytes(), ownBytes: group.ownBytes()});

/** Handlers that answer with the body, by language; those whose files are there. */
export const echoes = (folder: string) => handlers(folder, 'echo');

/** Handlers that answer with as many bytes as the body says. */
export const longReplies = (folder: string) => handlers(folder, 'long');

const handlers = (folder: string, name: string): ReadonlyMap<string, string> =>
  new Map(
    [
      ['Node', `${folder}/${name}.cjs`],
      ['Python', `${folder}/${name}.py`],
    ].filter((entry): entry is [string, string] => existsSync(entry[1] ?? '')),
  );
