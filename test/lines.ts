import {PassThrough, Readable} from 'node:stream';
import test from 'ava';
import fc from 'fast-check';
import {cutMark, longestLineBytes, readLines, linesOf as wholeLinesOf} from '../src/workers/output/lines.ts';

/** The lines that come out when these chunks go in. */
async function linesOf(chunks: readonly (string | Buffer)[]): Promise<string[]> {
  const stream = new PassThrough();
  const lines: string[] = [];
  readLines(stream, line => lines.push(line));
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await new Promise(resolve => stream.once('close', resolve));
  return lines;
}

const full = 'x'.repeat(longestLineBytes);

test('without output there is no line', async t => t.deepEqual(await linesOf([]), []));

test('a stream that breaks loses nothing that came before, and throws nothing', async t => {
  const stream = new PassThrough();
  const lines: string[] = [];
  readLines(stream, line => lines.push(line));
  stream.write('a\nb');
  await new Promise(resolve => setImmediate(resolve));
  stream.destroy(new Error('EIO'));
  await new Promise(resolve => stream.once('close', resolve));
  t.deepEqual(lines, ['a']);
});

test('where only whole lines count, a last line that was cut off is reported and not handed on', async t => {
  const stream = new PassThrough();
  const lines: string[] = [];
  let torn = 0;
  readLines(stream, line => lines.push(line), {torn: () => torn++});
  stream.end('{"whole":1}\n{"cut":');
  await new Promise(resolve => stream.once('close', resolve));
  t.deepEqual([lines, torn], [['{"whole":1}'], 1]);
});

const table: [title: string, chunks: (string | Buffer)[], lines: string[]][] = [
  ['the last line needs no newline', ['a\nb'], ['a', 'b']],
  ['a newline at the end begins no line', ['a\nb\n'], ['a', 'b']],
  ['empty lines are lines', ['\n\na\n\n'], ['', '', 'a', '']],
  ['CRLF ends a line, too', ['a\r\nb\r\n\r\n'], ['a', 'b', '']],
  ['CR and LF in two chunks', ['a\r', '\nb'], ['a', 'b']],
  ['CR inside a line stays', ['10%\r20%\rdone\n'], ['10%\r20%\rdone']],
  ['a line over several chunks', ['a', 'b', 'c\nd', 'e'], ['abc', 'de']],
  ['several lines in one chunk', ['a\nb\nc\n'], ['a', 'b', 'c']],
  ['a character over two chunks', [Buffer.from([0xf0, 0x9f]), Buffer.from([0x98, 0x80, 0x0a])], ['😀']],
  ['bytes that are no UTF-8', [Buffer.from([0x61, 0xff, 0x62, 0x0a])], ['a\ufffdb']],
  ['what only Unicode calls a line separator', ['a\u2028b\u2029c\u0085d\v\f\n'], ['a\u2028b\u2029c\u0085d\v\f']],
  ['NUL and escapes', ['\0\x1b[31m\n'], ['\0\x1b[31m']],
  ['a line of exactly the longest length', [`${full}\n`], [full]],
  ['the same, the newline in the next chunk', [full, '\na'], [full, 'a']],
  ['one byte longer', [`${full}y\n`], [full + cutMark, 'y']],
  ['one byte longer, in the next chunk', [full, 'y\n'], [full + cutMark, 'y']],
  ['three parts', [`${full}${full}yz`], [full + cutMark, full + cutMark, 'yz']],
  ['two whole parts', [`${full}${full}\nz`], [full + cutMark, full, 'z']],
  ['a character across the cut', [`${full.slice(1)}éa\n`], [full.slice(1) + cutMark, 'éa']],
  [
    'a character across the cut and the chunks',
    [Buffer.from(`${full.slice(2)}😀`).subarray(0, -2), Buffer.from([0x98, 0x80, 0x0a])],
    [full.slice(2) + cutMark, '😀'],
  ],
  ['CR before the cut stays', [`${full.slice(1)}\ra\n`], [`${full.slice(1)}\r${cutMark}`, 'a']],
];

for (const [title, chunks, lines] of table) test(title, async t => t.deepEqual(await linesOf(chunks), lines));

test('however a text is cut into chunks, joined it is the text again', async t => {
  const line = fc.oneof(
    fc.string({unit: 'grapheme'}).map(text => text.replaceAll(/[\r\n]/g, '').toWellFormed()),
    fc.tuple(fc.constantFrom('é', '😀', 'a'), fc.integer({min: 20_000, max: 70_000})).map(([unit, count]) => unit.repeat(count)),
  );
  const plan = fc.record({
    lines: fc.array(line, {maxLength: 5}),
    // One of them is large: half a megabyte byte by byte says no more, and takes a minute.
    sizes: fc.array(fc.integer({min: 1, max: 70_000}), {maxLength: 4}).map(sizes => [...sizes, 30_000]),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({lines, sizes}) => {
      const bytes = Buffer.from(lines.map(text => `${text}\n`).join(''));
      const chunks: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += chunks.at(-1)?.length ?? 0) {
        chunks.push(bytes.subarray(at, at + (sizes[chunks.length % sizes.length] ?? 1)));
      }
      const parts = await linesOf(chunks);
      const joined = parts.map(part => (part.endsWith(cutMark) ? part.slice(0, -cutMark.length) : `${part}\n`)).join('');
      return joined === bytes.toString() && parts.every(part => Buffer.byteLength(part) <= longestLineBytes + cutMark.length);
    }),
    {numRuns: 60},
  );
  t.pass();
});

const whole = async (chunks: readonly (string | Buffer)[]) => {
  const lines: string[] = [];
  for await (const line of wholeLinesOf(Readable.from(chunks.map(chunk => Buffer.from(chunk))))) lines.push(line);
  return lines;
};

test('read whole, lines end at LF alone, however the bytes come', async t => {
  const text = 'a\u2028b\u2029c\n\n10%\r20%\r\n😀\nlast';
  const expected = ['a\u2028b\u2029c', '', '10%\r20%', '😀', 'last'];
  t.deepEqual(await whole([text]), expected);
  t.deepEqual(await whole([`${text}\n`]), expected);
  t.deepEqual(await whole([...Buffer.from(text)].map(byte => Buffer.from([byte]))), expected);
  t.deepEqual(await whole([]), []);
  t.deepEqual(await whole([`${full}y`, 'z\n']), [`${full}yz`], 'a long line is not cut');
});

test('read whole, a line that is not UTF-8 is refused', async t => {
  await t.throwsAsync(whole([Buffer.from([0x61, 0xff, 0x0a])]), {instanceOf: TypeError});
});
