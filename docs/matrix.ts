import {readFileSync, writeFileSync} from 'node:fs';
import {text} from 'node:stream/consumers';

/*
Writes the table of docs/matrix.md from a run of the language matrix:

    { CORE_TEST_MATRIX=whole npx ava --config ava.full.config.js --tap; npx ava --tap test/runtimes/node.ts; } | node docs/matrix.ts
*/

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** `ok 12 - node 8: a title`, with the file's name before it when several files ran; the version may be missing. */
const result = /^(not )?ok \d+ - (?:[^:]* › )?((?:node|python|php|go|rust)(?: \d[\d.]*)?): (.*)$/;
const marks = /(<!-- matrix -->\n)[\s\S]*(<!-- \/matrix -->)/;

/**
The table, by language and version.

@throws Error when the run tells of no language
*/
export function matrixTable(tap: string): string {
  const languages = new Map<string, Counts>();
  for (const line of tap.split('\n')) {
    const [, failed, version = '', title = ''] = result.exec(line) ?? [];
    if (version === '') continue;
    const counts = languages.get(version) ?? {passed: 0, failed: 0, skipped: 0};
    languages.set(version, counts);
    if (/# SKIP\b/.test(title)) counts.skipped++;
    else if (failed) counts.failed++;
    else counts.passed++;
  }
  if (languages.size === 0) throw new Error('Expected TAP output of the language matrix, got no result of a language');
  const ordered = [...languages].sort(([a], [b]) => a.localeCompare(b, 'en', {numeric: true}));
  const rows = ordered.map(([version, {passed, failed, skipped}]) => `| ${version} | ${passed} | ${failed} | ${skipped} |`);
  return ['| language | passed | failed | skipped |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
}

/** The document with another table between its marks. */
export function withMatrix(document: string, tap: string): string {
  if (!marks.test(document)) throw new Error('docs/matrix.md has lost the marks around its table');
  return document.replace(marks, (_, before: string, after: string) => before + matrixTable(tap) + after);
}

if (import.meta.main) {
  const file = new URL('matrix.md', import.meta.url);
  writeFileSync(file, withMatrix(readFileSync(file, 'utf8'), await text(process.stdin)));
}
