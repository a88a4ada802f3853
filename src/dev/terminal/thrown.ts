import {readFileSync, statSync} from 'node:fs';
import path from 'node:path';
import {attempt} from '../../attempt.ts';
import {printable} from '../../printable.ts';
import type {Ink} from './ink.ts';
import {type Frame, readStack, type Thrown} from './stack.ts';

/** The function of a developer: its folder, and how text is written. */
export interface Reading {
  /** Only its files are shown, and named relative to it. */
  readonly folder: string;
  readonly ink: Ink;
}

const mostFrames = 8;
const mostCauses = 4;
/** A stack of a language that is not read is shown as it came, as many lines of it. */
const mostLines = 40;
const largestSourceBytes = 2 ** 20;
/** A longer line of source is not shown: it was made by a program. */
const longestSource = 200;

/** An error as lines: what was thrown, the place in the source, the frames of the function's own code, and what caused it. */
export function thrownLines(stack: string, reading: Reading): string[] {
  const thrown = readStack(stack);
  if (thrown) return errorLines(thrown, reading, '', 0);
  const lines = stack.trimEnd().split('\n');
  const [first = '', ...rest] = lines.slice(0, mostLines);
  return [reading.ink('red', text(first)), ...rest.map(text), ...(lines.length > mostLines ? ['…'] : [])];
}

function errorLines({title, frames, causes}: Thrown, reading: Reading, relation: string, depth: number): string[] {
  const {folder, ink} = reading;
  const [first = '', ...rest] = title.split('\n');
  const own = frames.filter(({file}) => isWithin(folder, file));
  const shown = (own.length > 0 ? own : frames.filter(isNamed).slice(0, 3)).slice(0, mostFrames);
  return [
    `${relation === '' ? '' : `${relation}: `}${ink('red', text(first))}`,
    ...rest.slice(0, mostLines).map(text),
    ...shown.flatMap((frame, at) => [frameLine(frame, folder, ink), ...(at === 0 && own.length > 0 ? excerpt(frame, ink) : [])]),
    ...(depth < mostCauses ? causes.slice(0, mostCauses).flatMap(each => errorLines(each.thrown, reading, each.relation, depth + 1)) : []),
  ];
}

/** A place that a developer can open. */
const isNamed = ({file}: Frame) => path.isAbsolute(file);

function isWithin(folder: string, file: string): boolean {
  if (!path.isAbsolute(file)) return false;
  const relative = path.relative(folder, file);
  return relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative) && !/(^|[\\/])node_modules[\\/]/.test(relative);
}

function frameLine({file, line, column, callee}: Frame, folder: string, ink: Ink): string {
  const shown = isWithin(folder, file) ? path.relative(folder, file) : file;
  const place = `${shown}:${line}${column === undefined ? '' : `:${column}`}`;
  return ink('dim', `    at ${text(callee === undefined ? place : `${callee} (${place})`)}`);
}

/** The line of source with a neighbour on both sides. It is read from the disk now, and may differ from what ran. */
function excerpt({file, line, column}: Frame, ink: Ink): string[] {
  const source = attempt(() => (statSync(file).size <= largestSourceBytes ? readFileSync(file, 'utf8') : ''));
  const lines = source?.split(/\r?\n/) ?? [];
  const wanted = lines[line - 1];
  if (wanted === undefined || [line - 2, line - 1, line].some(at => (lines[at]?.length ?? 0) > longestSource)) return [];
  const width = String(line + 1).length;
  const numbered = (at: number, mark: string) => `      ${mark} ${String(at).padStart(width)} | ${text(lines[at - 1] ?? '')}`.trimEnd();
  const caret =
    column === undefined
      ? []
      : [`      ${' '.repeat(width + 2)} | ${' '.repeat(text(wanted.slice(0, column - 1)).length)}${ink('red', '^')}`];
  return [
    ...(line > 1 ? [ink('dim', numbered(line - 1, ' '))] : []),
    numbered(line, ink('red', '>')),
    ...caret,
    ...(line < lines.length ? [ink('dim', numbered(line + 1, ' '))] : []),
  ];
}

/** Tabs are common in source and in stacks; everything else that a terminal obeys is shown. */
const text = (given: string) => printable(given.replaceAll('\t', '  '));
