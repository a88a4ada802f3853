import type {FactType, FactTypes} from './facts.ts';
import {printableJson} from './printable.ts';

/**
What a member of a fact must be: `word` one line without control characters, `text` any text, `time` ISO 8601 in UTC,
`count` a whole number from 0 on. With `?` it may be absent.
*/
type Kind = 'word' | 'text' | 'time' | 'count' | 'number' | 'boolean' | 'true' | 'number-or-null' | 'word-or-null';
type Rule = Kind | `${Kind}?`;

/** The fields of a schedule may be separated by tabs and line ends. */
const occurrence = {name: 'word', occurrence: 'time', cron: 'text', timezone: 'word'} as const;

/** Every member of every fact of the catalogue; the compiler checks that none is left out. */
const members: {readonly [T in FactType]: {readonly [M in keyof Required<FactTypes[T]>]: Rule}} = {
  'invocation.accepted': {
    source: 'word',
    bytes: 'count',
    attempt: 'count',
    traceparent: 'word?',
    dataref: 'word?',
    owner: 'word?',
    core: 'word?',
  },
  'invocation.settled': {
    outcome: 'word',
    status: 'count',
    code: 'word?',
    durationMs: 'number',
    waitedMs: 'number?',
    cold: 'true?',
    calledAtMs: 'number?',
    calledMs: 'number?',
    pid: 'count?',
    core: 'word?',
    dataref: 'word?',
    streamedBytes: 'count?',
    receivedBytes: 'count?',
  },
  'invocation.redriven': {deadForMs: 'number', core: 'word?'},
  'invocation.logged': {lines: 'count', bytes: 'count', dropped: 'count?', dataref: 'word', core: 'word?'},
  'schedule.fired': {...occurrence, invocationId: 'word', attempt: 'count', core: 'word', manual: 'true?', delivery: 'word?'},
  'schedule.missed': {...occurrence, first: 'time', count: 'count', more: 'true?', reason: 'word', core: 'word?'},
  'schedule.paused': {name: 'word', since: 'time', core: 'word?'},
  'schedule.resumed': {name: 'word', since: 'time', core: 'word?'},
  'work.paused': {core: 'word', since: 'time'},
  'work.resumed': {core: 'word', since: 'time'},
  'work.dropped': {invocationId: 'word', core: 'word?'},
  'attempt.started': {attempt: 'count', epoch: 'count', pid: 'count?', core: 'word?'},
  'attempt.failed': {attempt: 'count', class: 'word', retryable: 'boolean', code: 'word', pid: 'count?', core: 'word?'},
  'retry.scheduled': {attempt: 'count', afterMs: 'number', core: 'word?'},
  'runtime.spawned': {executable: 'text', pid: 'count?', core: 'word?'},
  'runtime.ready': {bootMs: 'number', loaded: 'boolean', error: 'text?', pid: 'count?', core: 'word?'},
  'runtime.exited': {
    code: 'number-or-null',
    signal: 'word-or-null',
    reason: 'word',
    upMs: 'number',
    error: 'text?',
    pid: 'count?',
    core: 'word?',
  },
  'runtime.gave-up': {exits: 'count', withinMs: 'number', core: 'word?'},
  'config.loaded': {version: 'word', digest: 'word', core: 'word?'},
  'code.loaded': {digest: 'word', handler: 'text', core: 'word?'},
  'replay.compared': {invocationId: 'word', verdict: 'word', baseline: 'word?', candidate: 'word?', core: 'word?'},
  'payload.shredded': {payloads: 'count', until: 'number', core: 'word?'},
};

const kinds: {readonly [K in Kind]: {readonly rule: string; fits(value: unknown): boolean}} = {
  word: {rule: 'a line of text without control characters', fits: isWord},
  text: {rule: 'text', fits: value => typeof value === 'string'},
  time: {rule: 'a time such as 2026-01-01T12:00:00Z', fits: value => isWord(value) && isTime(value)},
  count: {rule: 'a whole number from 0 on', fits: value => Number.isSafeInteger(value) && Number(value) >= 0},
  number: {rule: 'a number', fits: value => Number.isFinite(value)},
  boolean: {rule: 'true or false', fits: value => typeof value === 'boolean'},
  true: {rule: 'true', fits: value => value === true},
  'number-or-null': {rule: 'a number or null', fits: value => value === null || Number.isFinite(value)},
  'word-or-null': {rule: 'a line of text or null', fits: value => value === null || isWord(value)},
};

const mostWord = 1000;
/** Deeper data overflows the stack of the code that writes it. */
const mostDepth = 100;

/** What is wrong with the data of a fact; undefined when nothing is. For a type of a later version, only the depth is checked. */
export function problemOfFact(type: string, data: object): string | undefined {
  if (!isShallow(data, mostDepth)) return `expected data of at most ${mostDepth} levels`;
  const rules = Object.hasOwn(members, type) ? members[type as FactType] : {};
  for (const [member, rule] of Object.entries(rules) as [string, Rule][]) {
    const value = Object.hasOwn(data, member) ? (data as Record<string, unknown>)[member] : undefined;
    if (value === undefined && rule.endsWith('?')) continue;
    const kind = kinds[rule.replace('?', '') as Kind];
    if (!kind.fits(value)) return `expected ${member} of ${type} to be ${kind.rule}, got ${short(value)}`;
  }
  return undefined;
}

/** One line without control characters, not empty, of a reasonable length. */
export function isWord(value: unknown): value is string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  return typeof value === 'string' && value !== '' && value.length <= mostWord && !/[\x00-\x1f\x7f-\x9f\u2028\u2029]/.test(value);
}

/** RFC 3339 with its offset, in the years 1970 to 9999. */
export function isTime(value: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(value) && Date.parse(value) >= 0;
}

/** A value, short enough for a message. */
export function short(value: unknown): string {
  if (value === undefined) return 'none';
  const text = typeof value === 'object' && value !== null ? (Array.isArray(value) ? 'a list' : 'an object') : printableJson(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every(each => isShallow(each, levels - 1));
}
