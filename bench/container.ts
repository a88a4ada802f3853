import {parseArgs} from 'node:util';
import {projectFile} from '../test/helpers/core.ts';
import type {Answers} from './container/bodies.ts';
import {type Checked, checkContainer, checkReplies, echoes, longReplies} from './container/check.ts';
import {markdownTable} from './figures.ts';
import {machine} from './program.ts';
import {buildOurs} from './shipped.ts';

/*
Core and function in one control group, as in a small container: 5 s of small calls on 32 connections, then 48 bodies of
1 MiB, 8 at a time, then 8 of 6 MiB, 4 at a time. The function answers with the body. Nothing may be killed, every answer is
200 or 503 with Retry-After, and nine tenths of the bodies of 1 MiB are answered 200; else the exit code is 1. Then the same in
a new group with a function that answers a short body with 1 MB, 64 callers at a time, and with 4 MB, 16 at a time.

    node bench/container.ts [MB of the container, by default 128] [--rounds 1] [--only Python] [--main another/src/main.js] [--env NAME=value]

It needs `wrk`, and a machine that lets us make control groups.
*/

const {values, positionals} = parseArgs({
  options: {
    rounds: {type: 'string', default: '1'},
    only: {type: 'string'},
    main: {type: 'string'},
    seconds: {type: 'string', default: '5'},
    env: {type: 'string', multiple: true, default: []},
  },
  allowPositionals: true,
});
const megabytes = Number(positionals[0] ?? 128);
await using stack = new AsyncDisposableStack();
const main = values.main ?? (await buildOurs(stack));

const env = Object.fromEntries(values.env.map(each => [each.split('=', 1)[0], each.slice(each.indexOf('=') + 1)]));

const head = ['function', 'idle', 'after small calls', 'at the end', 'small calls/s', '1 MiB: 200 · 503', '6 MiB: 200 · 503', 'held'];
const rows: string[][] = [];
for (const [language, handler] of echoes(projectFile('bench/functions'))) {
  if (values.only && values.only !== language) continue;
  for (let round = 0; round < Number(values.rounds); round++) {
    const checked = await checkContainer({handler, limitBytes: megabytes * 1e6, main, seconds: Number(values.seconds), env});
    if (!checked) throw new Error('This machine lets nobody make a control group');
    rows.push([language, ...cells(checked)]);
    if (checked.broken.length > 0) process.exitCode = 1;
  }
}
const replyRows: string[][] = [];
for (const [language, handler] of longReplies(projectFile('bench/functions'))) {
  if (values.only && values.only !== language) continue;
  const checked = await checkReplies({handler, limitBytes: megabytes * 1e6, main, seconds: Number(values.seconds), env});
  if (!checked) throw new Error('This machine lets nobody make a control group');
  replyRows.push([language, ...checked.large.map(({answers}) => counts(answers)), verdict(checked.broken)]);
  if (checked.broken.length > 0) process.exitCode = 1;
}
console.log(`${machine()}; ${megabytes} MB (10⁶ bytes) for core and function\n`);
console.log('Megabytes of the control group: what its processes made, and in brackets with files that the kernel could drop.\n');
console.log(markdownTable(head, rows));
const sizes = ['1 MB: 200 · 503', '4 MB: 200 · 503'];
console.log(`\n${markdownTable(['long replies', ...sizes, ...sizes.map(size => `${size}, after small calls`), 'held'], replyRows)}`);

function cells({idle, afterSmall, end, small, large, broken}: Checked): string[] {
  const sizes = [idle, afterSmall, end].map(({ownBytes, usedBytes}) => `${inMegabytes(ownBytes)} (${inMegabytes(usedBytes)})`);
  const rate = Number.isNaN(small.requestsPerSecond) ? '–' : Math.round(small.requestsPerSecond).toLocaleString('en');
  return [...sizes, rate, ...large.map(({answers}) => counts(answers)), verdict(broken)];
}

function verdict(broken: readonly string[]): string {
  return broken.length === 0 ? 'yes' : `**no**: ${broken.join('; ')}`;
}

function counts({good, refused, wrong}: Answers): string {
  return `${good} · ${refused}${wrong.length > 0 ? ` · ${wrong.length} wrong` : ''}`;
}

function inMegabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
