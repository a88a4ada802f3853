import {deflateSync, inflateSync} from 'node:zlib';
import test from 'ava';
import {withPalette} from '../docs/palette.ts';

/** A picture, three bytes for each pixel, as a list of filtered rows. */
function picture(width: number, rows: readonly (readonly number[])[], head: readonly number[] = [8, 2, 0, 0, 0]): Buffer {
  const size = Buffer.alloc(8);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(rows.length, 4);
  const chunk = (type: string, data: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    return Buffer.concat([length, Buffer.from(type), data, Buffer.alloc(4)]);
  };
  const data = deflateSync(Buffer.from(rows.flat()));
  return Buffer.concat([Buffer.alloc(8), chunk('IHDR', Buffer.concat([size, Buffer.from(head)])), chunk('IDAT', data)]);
}

/** The colours of a picture with a palette, pixel by pixel. */
function coloursOf(png: Buffer, width: number): string[] {
  const part = (type: string) => {
    const at = png.indexOf(type);
    return png.subarray(at + 4, at + 4 + png.readUInt32BE(at - 4));
  };
  const palette = part('PLTE');
  const rows = inflateSync(part('IDAT'));
  return [...rows].filter((_, at) => at % (width + 1) > 0).map(index => palette.toString('hex', index * 3, index * 3 + 3));
}

test('a picture that is not as Chromium writes it is refused', t => {
  t.throws(() => withPalette(picture(1, [[0, 1, 2, 3]], [8, 2, 0, 0, 1])), {instanceOf: TypeError});
  t.throws(() => withPalette(picture(1, [[0, 1]], [8, 0, 0, 0, 0])), {instanceOf: TypeError});
});

test('every filter of a row is undone, and the colours stay as they were', t => {
  const rows = [
    [0, 10, 20, 30, 40, 50, 60],
    [1, 10, 20, 30, 1, 1, 1],
    [2, 1, 1, 1, 1, 1, 1],
    [3, 1, 1, 1, 1, 1, 1],
    [4, 1, 1, 1, 1, 1, 1],
  ];
  const colours = coloursOf(withPalette(picture(2, rows)), 2);
  t.deepEqual(colours.slice(0, 6), ['0a141e', '28323c', '0a141e', '0b151f', '0b151f', '0c1620']);
  t.deepEqual(colours.slice(6), ['060b10', '0a1119', '070c11', '0b121a']);
});

test('a colour that the palette has no room for becomes the nearest one', t => {
  const row = [0, 1, 1, 1, 1, 1, 1, 9, 9, 9, 9, 9, 9, 3, 3, 3];
  t.deepEqual(coloursOf(withPalette(picture(5, [row]), 2), 5), ['010101', '010101', '090909', '090909', '010101']);
});
