import {nearest} from '../../nearest.ts';
import {shown} from '../../settings/setting.ts';
import type {Path, YamlDocument} from './document.ts';
import type {Resolved} from './variables.ts';

/** A document whose texts may have variables. */
export interface ManifestDocument extends YamlDocument {
  resolve(text: string): Resolved;
}

/** What the reading of a manifest finds: mistakes, which stop it, and lines that a person should see. */
export interface Findings {
  readonly problems: string[];
  readonly notes: string[];
}

/** Keys of a section that are known, apart from those that its reader asks for. */
export interface KnownKeys {
  /** They are read. */
  readonly used: readonly string[];
  /** They mean something on the platform, and nothing on this machine: one line says so. */
  readonly ignored?: readonly string[];
  /** They are about deploying, and nobody expects anything of them here. */
  readonly silent?: readonly string[];
}

/** A map of a manifest. Its readers note what is wrong and go on, so that one run names every mistake. */
export class Section {
  readonly #document: ManifestDocument;
  readonly #findings: Findings;
  readonly #path: Path;
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(document: ManifestDocument, findings: Findings, path: Path = [], value: unknown = document.value) {
    this.#document = document;
    this.#findings = findings;
    this.#path = path;
    this.#values = isMap(value) ? value : {};
    if (!isMap(value) && !(value === null && path.length > 0)) this.refuse(undefined, `expected a map, got ${kindOf(value)}`);
  }

  get keys(): readonly string[] {
    return Object.keys(this.#values);
  }

  has(key: string): boolean {
    return this.#values[key] !== undefined && this.#values[key] !== null;
  }

  get(key: string): unknown {
    return this.#values[key];
  }

  /** The map at a key; an empty one when there is none. */
  section(key: string): Section {
    return new Section(this.#document, this.#findings, [...this.#path, key], this.#values[key] ?? null);
  }

  /** The maps of the list at a key. */
  list(key: string): readonly Section[] {
    const value = this.#values[key] ?? [];
    if (!Array.isArray(value)) this.problem(key, 'a list', value);
    const items: readonly unknown[] = Array.isArray(value) ? value : [];
    return items.map((item, index) => new Section(this.#document, this.#findings, [...this.#path, key, index], item));
  }

  /** A text, number or truth value as it was written, its variables resolved; undefined when there is none, or none that has a value. */
  text(key: string, expected: string): string | undefined {
    const value = this.#values[key];
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'string') return this.#resolve(key, value);
    if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') {
      return this.#document.written([...this.#path, key]) ?? String(value);
    }
    this.problem(key, expected, value);
    return undefined;
  }

  #resolve(key: string, given: string): string | undefined {
    const resolved = this.#document.resolve(given);
    if ('text' in resolved) return resolved.text;
    this.note(key, `it counts as not given: ${resolved.problem}`);
    return undefined;
  }

  problem(key: string | undefined, expected: string, got: unknown): void {
    this.refuse(key, `expected ${expected}, got ${textOf(got)}`);
  }

  /** A mistake in words of its own. */
  refuse(key: string | undefined, text: string): void {
    this.#findings.problems.push(this.#line(key, text));
  }

  note(key: string | undefined, text: string): void {
    this.#findings.notes.push(this.#line(key, text));
  }

  #line(key: string | undefined, text: string): string {
    const path = key === undefined ? this.#path : [...this.#path, key];
    return `${this.#document.where(path)}: ${named(path)}${text}`;
  }

  /** Notes the keys that mean nothing here. */
  checkKeys({used, ignored = [], silent = []}: KnownKeys): void {
    const known = [...used, ...ignored, ...silent];
    const lower = known.map(word => word.toLowerCase());
    for (const key of this.keys.filter(key => !known.includes(key))) {
      const near = nearest(key.toLowerCase(), lower);
      const meant = near !== undefined && near.edits <= 2 ? `; did you mean ${known[lower.indexOf(near.word)]}?` : '';
      this.note(key, `it is not known and has no effect${meant}`);
    }
    const given = ignored.filter(key => this.has(key));
    if (given.length > 0) this.note(undefined, `${given.join(', ')} ${given.length === 1 ? 'has' : 'have'} no effect on this machine`);
  }
}

const isMap = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** `functions.hello.events[0].schedule: ` */
function named(path: Path): string {
  const text = path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');
  return text === '' ? '' : `${shown(text)}: `;
}

/** A value for a message: what was written when it is short, else what it is. */
function textOf(value: unknown): string {
  if (typeof value === 'object' || value === undefined) return kindOf(value);
  const text = shown(String(value));
  return text.length > 80 ? `a text of ${text.length} characters` : `\`${text}\``;
}

/** What a value is, without quoting it: it may be a secret. */
function kindOf(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a map' : 'a text';
}
