import test from 'ava';
import {colouredHtml} from '../docs/coloured.ts';

test('a code that dev does not write is refused', t => {
  for (const bytes of ['\x1b[7mx', '\x1b[2Jx', '\x1b[1Ax', 'a\rb']) t.throws(() => colouredHtml(bytes), {instanceOf: TypeError}, bytes);
});

test('styles become spans, and text stays text', t => {
  t.is(
    colouredHtml('\x1b[2m12:01:07\x1b[22m  \x1b[1mGET\x1b[22m\r\n\x1b[31ma < b & c\x1b[39m'),
    '<span class="dim">12:01:07</span>  <span class="bold">GET</span>\n<span class="red">a &lt; b &amp; c</span>',
  );
});

test('of a status line that was written again the last one is shown', t => {
  t.is(colouredHtml(' 0 requests\r\x1b[JGET /\r\n 1 request\r\x1b[J 2 requests'), 'GET /\n 2 requests');
});
