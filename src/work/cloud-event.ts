import {isoStamp} from '../clock.ts';
import {isWord, short} from '../fact-members.ts';
import type {DeadReason, UsedKey, WorkState, WorkStatus} from '../work.ts';

/* Work outside of a journal: an item that is not over is a CloudEvent behind all facts. */

export const workType = 'work.kept';
export const keyType = 'key.kept';

export function keyEvent(key: UsedKey) {
  return {
    specversion: '1.0',
    id: `key/${key.scope}`,
    source: 'core-runtime',
    type: keyType,
    subject: `invocation.${key.id}`,
    time: isoStamp(key.until),
    datacontenttype: 'application/json',
    data: key,
  };
}

export function workEvent(state: WorkState) {
  const {id, acceptedAt, traceparent} = state;
  return {
    specversion: '1.0',
    id: `work/${id}`,
    source: 'core-runtime',
    type: workType,
    subject: `invocation.${id}`,
    time: isoStamp(acceptedAt),
    ...(traceparent !== undefined && {traceparent}),
    datacontenttype: 'application/json',
    data: state,
  };
}

const matches = (pattern: RegExp) => (value: unknown) => typeof value === 'string' && pattern.test(value);
const oneOf = (words: readonly string[]) => (value: unknown) => typeof value === 'string' && words.includes(value);
const isCount = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;
const isTrue = (value: unknown) => value === true;
const whys: readonly DeadReason['why'][] = ['exhausted', 'refused', 'poison'];
const all: readonly WorkStatus[] = ['waiting', 'behind', 'running', 'dead'];

/** What each member must be; those of the second list may be absent. The compiler checks that none is left out. */
const required = {
  id: matches(/^[\w-]{1,100}$/),
  acceptedAt: isCount,
  due: isCount,
  status: oneOf(all),
  attempts: isCount,
  deaths: isCount,
};
const optional: {readonly [M in keyof Omit<Required<WorkState>, keyof typeof required>]: (value: unknown) => boolean} = {
  expires: isCount,
  orderingKey: matches(/^[!-~]{1,255}$/),
  callback: matches(/^[!-~]{1,2048}$/),
  traceparent: matches(/^[!-~]{1,100}$/),
  owner: matches(/^[0-9a-f]{64}$/),
  mostAttempts: isCount,
  redriven: isCount,
  isCallback: isTrue,
  isBare: isTrue,
  deadAt: isCount,
  reason: isReason,
};

/** @param data of such an event @throws TypeError that names the member that is wrong */
export function readWork(data: object): WorkState {
  const given = data as Readonly<Record<string, unknown>>;
  const state: Record<string, unknown> = {};
  for (const [name, fits] of Object.entries({...required, ...optional})) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined && Object.hasOwn(optional, name)) continue;
    if (!fits(value)) throw new TypeError(`expected ${name} of ${workType} to be as an export writes it, got ${short(value)}`);
    state[name] = value;
  }
  return state as unknown as WorkState; // every member was checked
}

/** @param data of such an event @throws TypeError that names the member that is wrong */
export function readKey(data: object): UsedKey {
  const {scope, fingerprint, until, id} = data as Readonly<Record<string, unknown>>;
  for (const [name, value, fits] of [
    ['scope', scope, isWord],
    ['fingerprint', fingerprint, isWord],
    ['until', until, isCount],
    ['id', id, required.id],
  ] as const) {
    if (!fits(value)) throw new TypeError(`expected ${name} of ${keyType} to be as an export writes it, got ${short(value)}`);
  }
  return {scope, fingerprint, until, id} as UsedKey; // every member was checked
}

function isReason(value: unknown): boolean {
  const {why, class: failure, status} = Object(value) as Record<string, unknown>;
  return oneOf(whys)(why) && isWord(failure) && isCount(status);
}
