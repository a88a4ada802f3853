import {fileURLToPath} from 'node:url';
import {attempt} from '../../attempt.ts';

/** One error of those that led to another. */
export interface Thrown {
  /** `TypeError: x is not a function`; may have several lines. */
  readonly title: string;
  /** Where it was thrown first, then the callers. */
  readonly frames: readonly Frame[];
  /** What came before it, and how it led here. */
  readonly causes: readonly {readonly relation: string; readonly thrown: Thrown}[];
}

export interface Frame {
  readonly file: string;
  readonly line: number;
  readonly column?: number;
  /** The function that the line stands in. */
  readonly callee?: string;
}

/** Reads the stack of an error as Node, Python or PHP write it. @returns undefined for any other text */
export function readStack(text: string): Thrown | undefined {
  if (/^\s*File ".+", line \d+/m.test(text)) return readPython(text);
  if (/^Stack trace:$/m.test(text)) return readPhp(text);
  return /^\s+at .+:\d+:\d+\)?$/m.test(text) || nodeSyntax.test(text) ? readNode(text) : undefined;
}

/** What Node writes above a syntax error: the place, lines of source, and a mark below the one that is meant. */
const nodeSyntax = /^(\S[^\n]*):(\d+)\n(?:[^\n]*\n)??( *)\^+\n(?:[^\n]+\n)*\n/;
const nodeFrame = /^\s+at (?:(.+?) \()?(?:async )?((?:file:\/\/)?\/.+?|[A-Z]:\\.+?):(\d+):(\d+)\)?$/;

/** Our bridge puts `caused by:` before each cause. */
function readNode(text: string): Thrown | undefined {
  const [own = '', ...parts] = text.split(/^(caused by|one of its errors): /m);
  const causes = parts.flatMap((relation, at) => {
    const thrown = at % 2 === 0 ? readNodeError(parts[at + 1] ?? '', []) : undefined;
    return thrown ? [{relation, thrown}] : [];
  });
  return readNodeError(own, causes);
}

function readNodeError(text: string, causes: Thrown['causes']): Thrown {
  const [shown = '', file = '', line, spaces = ''] = nodeSyntax.exec(text) ?? [];
  const lines = text.slice(shown.length).trimEnd().split('\n');
  const first = lines.findIndex(each => /^\s+at /.test(each));
  const titles = first === -1 ? lines : lines.slice(0, first);
  const list = titles.indexOf('Require stack:');
  const frames = first === -1 ? [] : lines.slice(first).flatMap(readNodeFrame);
  const syntax = shown === '' ? [] : [{file: pathOf(file), line: Number(line), column: spaces.length + 1}];
  return {title: (list === -1 ? titles : titles.slice(0, list)).join('\n'), frames: [...syntax, ...frames], causes};
}

function readNodeFrame(text: string): Frame[] {
  const [, callee, file, line, column] = nodeFrame.exec(text) ?? [];
  if (file === undefined) return [];
  return [{file: pathOf(file), line: Number(line), column: Number(column), ...(callee !== undefined && {callee})}];
}

const pathOf = (file: string) => (file.startsWith('file://') ? (attempt(() => fileURLToPath(file)) ?? file) : file);

const pythonChain = /^(The above exception was the direct cause of|During handling of the above exception, another)[^\n]*\n/m;

/** Python writes the error that was thrown last, and in each the innermost frame. */
function readPython(text: string): Thrown | undefined {
  const [first = '', ...rest] = text.split(pythonChain);
  let thrown = readPythonError(first, []);
  for (let at = 0; at + 1 < rest.length; at += 2) {
    const relation = rest[at]?.startsWith('The above') ? 'caused by' : 'while handling';
    thrown = readPythonError(rest[at + 1] ?? '', [{relation, thrown}]);
  }
  return thrown;
}

const pythonFrame = /^\s+File "(.+)", line (\d+)(?:, in (.+))?$/;

/** Behind the last frame come its line of source and a mark, both indented, and then what was thrown. */
function readPythonError(text: string, causes: Thrown['causes']): Thrown {
  const lines = text.trimEnd().split('\n');
  const frames = lines.flatMap((each): Frame[] => {
    const [, file, line, callee] = pythonFrame.exec(each) ?? [];
    return file === undefined ? [] : [{file, line: Number(line), ...(callee !== undefined && callee !== '<module>' && {callee})}];
  });
  const last = lines.findLastIndex(each => pythonFrame.test(each));
  const title = lines.findIndex((each, at) => at > last && /^\S/.test(each));
  return {
    title: lines
      .slice(title === -1 ? last + 1 : title)
      .join('\n')
      .trim(),
    frames: frames.toReversed(),
    causes,
  };
}

const phpPlace = /^([\s\S]*) in (\/.+):(\d+)$/;

/** PHP writes the error that was thrown last, too. A frame names the function that was called, not the one that the line stands in. */
function readPhp(text: string): Thrown | undefined {
  let thrown: Thrown | undefined;
  for (const part of text.split(/^Next /m)) {
    const [head = '', trace = ''] = part.split(/^Stack trace:$/m);
    const [, title = head.trim(), file, line] = phpPlace.exec(head.trim()) ?? [];
    const calls = [...trace.matchAll(/^#\d+ (?:(\/.+)\((\d+)\)|\[internal function\]): (.+)$/gm)];
    const places = [{file, line}, ...calls.map(([, file, line]) => ({file, line}))];
    const frames = places.flatMap(({file, line}, at): Frame[] => {
      const callee = calls[at]?.[3];
      return file === undefined ? [] : [{file, line: Number(line), ...(callee !== undefined && {callee})}];
    });
    thrown = {title, frames, causes: thrown ? [{relation: 'caused by', thrown}] : []};
  }
  return thrown;
}
