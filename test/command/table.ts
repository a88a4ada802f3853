import test from 'ava';
import {openTable, printTable} from '../../src/command/table.ts';

/** What is printed on stdout meanwhile. */
function printed(run: () => void): string[] {
  const lines: string[] = [];
  const write = console.log;
  console.log = (line: string) => void lines.push(line);
  try {
    run();
  } finally {
    console.log = write;
  }
  return lines;
}

test.serial('a table without rows prints nothing', t => {
  t.deepEqual(
    printed(() => printTable([{head: 'A'}], [])),
    [],
  );
});

test.serial('columns are as wide as their widest cells, numbers end together, and no line ends with blanks', t => {
  const columns = [{head: 'NAME'}, {head: 'N', isNumber: true}, {head: 'END'}];
  const lines = printed(() =>
    printTable(columns, [
      ['a', 7, undefined],
      [{text: 'long', style: 'red'}, 1234, 'x'],
    ]),
  );
  t.deepEqual(lines, ['NAME     N  END', 'a        7', 'long  1234  x']);
});

test.serial('what a terminal would obey is shown, and the head comes once', t => {
  const table = openTable([{head: 'A', width: 6}, {head: 'B'}]);
  const lines = printed(() => {
    table.row('\x1b[2J', 'b');
    table.row('c', 'd');
  });
  t.deepEqual(lines, ['A       B', String.raw`\x1b[2J  b`, 'c       d']);
});
