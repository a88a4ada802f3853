import test from 'ava';
import {sniffContentType} from '../../../middleware/respond/sniff.ts';

const sniff = (text: string) => sniffContentType(Buffer.from(text, 'latin1'));

test('a text that fits no signature has no type', t => {
  const none = [
    '',
    '\xfe\xff',
    '\xff\xfe',
    '\xfe\xffa',
    '\xff\xfea',
    '\xef\xbb\xbf',
    ' ',
    'hello',
    '{"a":1}',
    '<',
    '<x>',
    '<html', // not ended
    '<htmlx>',
    '<abbr>',
    '<br/>',
    '<?XML ',
    'a<html>',
    '\x0b<html>', // no white space of the table
    '%PDF',
    ' %PDF-',
    'GIF88a',
    '\x89PNG',
    'RIFF1234WEBPV',
    'RIFF123WAVE',
    'OggS',
    'MThd\x00\x00\x00\x05',
    '\x00\x00\x00\x14ftypisom\x00\x00\x00\x00isom',
    '\x00\x00\x00\x13ftypmp41',
    '\x00\x00\x02\x00ftyp'.slice(1),
  ];
  for (const text of none) t.is(sniff(text), undefined, JSON.stringify(text));
});

const html = 'text/html; charset=utf-8';
const table: [string, string][] = [
  ...[
    '!DOCTYPE HTML',
    'HTML',
    'HEAD',
    'SCRIPT',
    'IFRAME',
    'H1',
    'DIV',
    'FONT',
    'TABLE',
    'A',
    'STYLE',
    'TITLE',
    'B',
    'BODY',
    'BR',
    'P',
    '!--',
  ].flatMap((tag): [string, string][] => [
    [`<${tag}>`, html],
    [`<${tag} x`, html],
    [`\t\n\f\r <${tag.toLowerCase()}>`, html],
  ]),
  ['<?xml version="1.0"?>', 'text/xml; charset=utf-8'],
  ['\n <?xml', 'text/xml; charset=utf-8'],
  ['%PDF-1.7', 'application/pdf'],
  ['%!PS-Adobe-3.0', 'application/postscript'],
  ['\xfe\xffab', 'text/plain; charset=utf-16be'],
  ['\xff\xfeab', 'text/plain; charset=utf-16le'],
  ['\xef\xbb\xbfa', 'text/plain; charset=utf-8'],
  ['\x00\x00\x01\x00', 'image/x-icon'],
  ['\x00\x00\x02\x00', 'image/x-icon'],
  ['BM', 'image/bmp'],
  ['GIF87a', 'image/gif'],
  ['GIF89a', 'image/gif'],
  ['RIFF\x01\n\x03\x04WEBPVP', 'image/webp'],
  ['\x89PNG\x0d\x0a\x1a\x0a', 'image/png'],
  ['\xff\xd8\xff', 'image/jpeg'],
  ['FORM1234AIFF', 'audio/aiff'],
  ['ID3', 'audio/mpeg'],
  ['OggS\x00', 'application/ogg'],
  ['MThd\x00\x00\x00\x06', 'audio/midi'],
  ['RIFF1234AVI ', 'video/avi'],
  ['RIFF1234WAVE', 'audio/wave'],
  ['\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom', 'video/mp4'],
  ['\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp41', 'video/mp4'],
  ['\x1aE\xdf\xa3', 'video/webm'],
  [`${'\n'.repeat(34)}LP`, 'application/vnd.ms-fontobject'],
  ['\x00\x01\x00\x00', 'font/ttf'],
  ['OTTO', 'font/otf'],
  ['ttcf', 'font/collection'],
  ['wOFF', 'font/woff'],
  ['wOF2', 'font/woff2'],
  ['\x1f\x8b\x08', 'application/x-gzip'],
  ['PK\x03\x04', 'application/zip'],
  ['Rar!\x1a\x07\x00', 'application/x-rar-compressed'],
  ['Rar!\x1a\x07\x01\x00', 'application/x-rar-compressed'],
  ['\x00asm', 'application/wasm'],
];

for (const [text, type] of table) {
  test(`tells ${type} from ${JSON.stringify(text)}`, t => t.is(sniff(text), type));
}

test('looks at 512 bytes and no further', t => {
  t.is(sniff(`${' '.repeat(505)}<html> `), html);
  t.is(sniff(`${' '.repeat(507)}<html>`), undefined);
});
