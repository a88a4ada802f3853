import {columns} from '../command/columns.ts';
import {printable} from '../printable.ts';
import {type Aspect, statusText} from './compare.ts';
import {unifiedDiff} from './diff.ts';
import {documentOf, shorten} from './document.ts';
import {type Verdict, verdicts} from './judge.ts';
import {type Code, masksOf} from './plain.ts';
import type {NotReplayable} from './recall.ts';
import type {Compared} from './replay.ts';

/** What a report says about the whole replay. */
export interface Setting {
  /** The handlers, as they were given. */
  readonly baseline: string;
  readonly candidate: string | undefined;
}

const mostRows = 20;
const mostDiffs = 3;
const mostDiffLines = 40;
const requestWidth = 32;
const cells = columns(36, requestWidth, 20, 20);

/** Gathers what a person wants to read: counts, a table, the first differences. Holds no more than it prints. */
export class Report {
  readonly #setting: Setting;
  readonly #counts = new Map<Verdict, number>();
  readonly #hindered = new Map<string, number>();
  readonly #hinderedIds: string[] = [];
  readonly #absent = new Map<string, number>();
  readonly #differing: string[] = [];
  readonly #alike: string[] = [];
  readonly #diffs = new Map<string, string>();
  readonly #changed = new Set<Aspect>();
  #code: Code | undefined;
  #compared = 0;
  #ofOtherCode = 0;

  constructor(setting: Setting) {
    this.#setting = setting;
  }

  get compared(): number {
    return this.#compared;
  }

  get hindered(): number {
    return [...this.#hindered.values()].reduce((sum, each) => sum + each, 0);
  }

  /** What changed in any invocation. */
  get changed(): ReadonlySet<Aspect> {
    return this.#changed;
  }

  addHindered({id, reason, fix}: NotReplayable): void {
    const why = `${reason}: ${fix}`;
    this.#hindered.set(why, (this.#hindered.get(why) ?? 0) + 1);
    if (this.#hinderedIds.length < mostRows) this.#hinderedIds.push(id);
  }

  add(compared: Compared, code: Code): void {
    const {recalled, judgement} = compared;
    this.#compared++;
    this.#code = code;
    if (code.recorded !== undefined && code.recorded !== code.baseline) this.#ofOtherCode++;
    this.#counts.set(judgement.verdict, (this.#counts.get(judgement.verdict) ?? 0) + 1);
    for (const name of recalled.secrets.names) this.#absent.set(name, (this.#absent.get(name) ?? 0) + 1);
    for (const aspect of judgement.changed) this.#changed.add(aspect);
    const isChanged = judgement.changed.length > 0;
    const rows = isChanged ? this.#differing : this.#alike;
    if (rows.length < mostRows) rows.push(row(compared));
    if (isChanged && this.#diffs.size < mostDiffs) this.#addDiff(compared);
  }

  /** Adds one example of each kind, as a hundred invocations may have changed in the same places. */
  #addDiff(compared: Compared): void {
    const changed = compared.judgement.differences.filter(({meaning}) => meaning === 'changed');
    const kind = changed.map(({aspect, path}) => `${aspect} ${path}`).join('\n');
    if (!this.#diffs.has(kind)) this.#diffs.set(kind, this.#diff(compared));
  }

  text(): string {
    const rows = [...this.#differing, ...this.#alike].slice(0, mostRows);
    const left = this.#compared - rows.length;
    const head = `  ${cells('invocation', 'request', 'expected', 'actual', 'verdict')}`;
    const table = rows.length === 0 ? [] : ['', head, ...rows, ...(left > 0 ? [`  and ${left} more; --json has all`] : [])];
    return [
      this.#title(),
      '',
      `  ${this.#summary()}`,
      ...this.#notes(),
      ...table,
      ...[...this.#diffs.values()].flatMap(diff => ['', diff]),
    ].join('\n');
  }

  #title(): string {
    const {baseline, candidate} = this.#setting;
    const digest = (of: string | undefined) => (of === undefined ? '' : ` (sha256 ${of.slice(0, 12)})`);
    const now = `${baseline}${digest(this.#code?.baseline)}`;
    const against = candidate === undefined ? 'against what was recorded' : `against ${candidate}${digest(this.#code?.candidate)}`;
    return `Replayed ${count(this.#compared, 'invocation')}: ${now} ${against}`;
  }

  #summary(): string {
    const counts = verdicts.map(verdict => `${verdict} ${this.#counts.get(verdict) ?? 0}`);
    return [...counts, ...(this.hindered > 0 ? [`not replayable ${this.hindered}`] : [])].join('   ');
  }

  #notes(): string[] {
    const notes = [...this.#hindered].map(([why, each]) => `${each} not replayable: ${why}`);
    if (this.#hindered.size > 0 && this.#hinderedIds.length < mostRows) notes.push(`    ${this.#hinderedIds.join('\n      ')}`);
    if (this.#ofOtherCode > 0) notes.push(`${this.#ofOtherCode} recorded with other code than ${this.#setting.baseline} has now`);
    if (this.#absent.size > 0) {
      const names = [...this.#absent].map(([name, each]) => `${printable(name)} (${each})`).join(', ');
      notes.push(`Kept as hashes only, so the replays lacked: ${names}`);
    }
    return notes.length === 0 ? [] : ['', ...notes.map(note => `  ${note}`)];
  }

  #diff(compared: Compared): string {
    const {recalled, expected, actual} = compared;
    const masks = masksOf(compared);
    const lines = unifiedDiff(documentOf(expected, masks), documentOf(actual, masks));
    const {candidate} = this.#setting;
    const [from, to] = candidate === undefined ? ['recorded', 'replayed'] : ['baseline', candidate];
    const more = lines.length > mostDiffLines ? [`  … ${lines.length - mostDiffLines} more lines`] : [];
    return [`${recalled.id}  ${requestOf(compared)}`, `--- ${from}`, `+++ ${to}`, ...lines.slice(0, mostDiffLines), ...more]
      .map(line => `  ${line}`)
      .join('\n');
  }
}

function row(compared: Compared): string {
  const {recalled, expected, actual, judgement} = compared;
  const {verdict, changed, differences} = judgement;
  const rest = changed.filter(aspect => aspect !== verdict);
  const redacted = differences.some(({meaning}) => meaning === 'redacted') ? ' (redacted)' : '';
  const outcome = `${verdict}${rest.length > 0 ? `, ${rest.join(', ')}` : ''}${redacted}`;
  const request = shorten(requestOf(compared), requestWidth - 1);
  return `  ${cells(recalled.id, request, statusText(expected), statusText(actual), outcome)}`;
}

/** Without the query, which may hold what should not be seen on a screen. */
function requestOf({recalled: {request}}: Compared): string {
  const {eventType, context = {}, method, path} = request;
  return printable(eventType === 'http' ? `${method} ${path}` : `${eventType} ${nameIn(context) ?? path}`);
}

/** The name of what fired the event, such as its schedule's. */
function nameIn(context: Readonly<Record<string, unknown>>): string | undefined {
  const named = Object.values(context).find(member => typeof member === 'object' && member !== null && 'name' in member);
  return named === undefined ? undefined : String((named as {name: unknown}).name); // it has one
}

const count = (many: number, what: string) => `${many} ${what}${many === 1 ? '' : 's'}`;
