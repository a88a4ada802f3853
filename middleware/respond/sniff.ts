/*
Finds the content type of a body by its first bytes, with the signatures of the WHATWG MIME Sniffing standard (§7.1). Go's
net/http uses the same table.
*/

/** Undefined when no signature fits. */
export function sniffContentType(body: Buffer): string | undefined {
  const head = body.subarray(0, 512).toString('latin1');
  const text = head.replace(/^[\t\n\f\r ]+/, '');
  if (text.startsWith('<')) {
    const markup = sniffMarkup(text);
    if (markup) return markup;
  }
  for (const [signature, type] of exact) if (head.startsWith(signature)) return type;
  for (const [signature, type] of masked) if (signature.test(head)) return type;
  return isMp4(body.subarray(0, 512)) ? 'video/mp4' : undefined;
}

/** Followed by a space or `>`, whatever their case. */
const htmlTag = /^(<!DOCTYPE HTML|<HTML|<HEAD|<SCRIPT|<IFRAME|<H1|<DIV|<FONT|<TABLE|<A|<STYLE|<TITLE|<B|<BODY|<BR|<P|<!--)[ >]/i;

function sniffMarkup(text: string): string | undefined {
  if (htmlTag.test(text)) return 'text/html; charset=utf-8';
  if (text.startsWith('<?xml')) return 'text/xml; charset=utf-8';
  return undefined;
}

const exact: readonly (readonly [string, string])[] = [
  ['%PDF-', 'application/pdf'],
  ['%!PS-Adobe-', 'application/postscript'],
  ['\x00\x00\x01\x00', 'image/x-icon'],
  ['\x00\x00\x02\x00', 'image/x-icon'],
  ['BM', 'image/bmp'],
  ['GIF87a', 'image/gif'],
  ['GIF89a', 'image/gif'],
  ['\x89PNG\x0d\x0a\x1a\x0a', 'image/png'],
  ['\xff\xd8\xff', 'image/jpeg'],
  ['ID3', 'audio/mpeg'],
  ['OggS\x00', 'application/ogg'],
  ['MThd\x00\x00\x00\x06', 'audio/midi'],
  ['\x1aE\xdf\xa3', 'video/webm'],
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

/** Signatures with bytes of any value in the middle. */
const masked: readonly (readonly [RegExp, string])[] = [
  // A byte order mark counts from four bytes on, as in the standard.
  [/^\xef\xbb\xbf./s, 'text/plain; charset=utf-8'],
  [/^\xfe\xff../s, 'text/plain; charset=utf-16be'],
  [/^\xff\xfe../s, 'text/plain; charset=utf-16le'],
  [/^RIFF.{4}WEBPVP/s, 'image/webp'],
  [/^FORM.{4}AIFF/s, 'audio/aiff'],
  [/^RIFF.{4}AVI /s, 'video/avi'],
  [/^RIFF.{4}WAVE/s, 'audio/wave'],
  [/^.{34}LP/s, 'application/vnd.ms-fontobject'],
];

/** §6.2.1: a `ftyp` box that names a brand starting with mp4. */
function isMp4(head: Buffer): boolean {
  if (head.length < 12) return false;
  const boxBytes = head.readUInt32BE(0);
  if (head.length < boxBytes || boxBytes % 4 !== 0 || head.toString('latin1', 4, 8) !== 'ftyp') return false;
  for (let at = 8; at < boxBytes; at += 4) {
    if (at === 12) continue; // the version of the major brand
    if (head.toString('latin1', at, at + 3) === 'mp4') return true;
  }
  return false;
}
