import {type Figures, isFigureName, type Spread} from './figures.ts';

/* docs/benchmarks.md: the tables between its marks, and in them the figures for programs, in a comment. */

const marks = /(<!-- bench: npm run bench -->\n)[\s\S]*?(<!-- \/bench -->)/;
const figuresComment = /<!-- figures\n([\s\S]*?)\n-->/;

/**
The document with something else between its marks; what stands outside them is kept.

@throws Error when it has lost its marks
*/
export function withResults(document: string, results: string): string {
  if (!marks.test(document)) throw new Error('docs/benchmarks.md has lost the marks around its tables');
  return document.replace(marks, (_, before: string, after: string) => `${before}${results.trim()}\n${after}`);
}

/** The figures as `recordedFigures` reads them again; rounded, one to a line. */
export function figuresBlock(figures: Figures): string {
  const rounded = (value: number) => Number(value.toPrecision(4));
  const lines = Object.entries(figures).map(([name, {min, median, max}]) => {
    return `${JSON.stringify(name)}: ${JSON.stringify([min, median, max].map(rounded))}`;
  });
  return `<!-- figures\n{\n${lines.join(',\n')}\n}\n-->`;
}

/** What the document records; nothing where it records nothing. Names that are no figure any more are left out. */
export function recordedFigures(document: string): Figures {
  const [, json = '{}'] = figuresComment.exec(document) ?? [];
  const recorded: {[Name in keyof Figures]: Spread} = {};
  for (const [name, spread] of Object.entries(JSON.parse(json))) {
    if (!isFigureName(name) || !isTriple(spread)) continue;
    const [min, median, max] = spread;
    recorded[name] = {min, median, max};
  }
  return recorded;
}

function isTriple(value: unknown): value is [number, number, number] {
  return Array.isArray(value) && value.length === 3 && value.every(each => typeof each === 'number');
}
