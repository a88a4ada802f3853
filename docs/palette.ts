import {crc32, deflateSync, inflateSync} from 'node:zlib';

/*
Makes a picture small: a screen has few colours, and a byte for each pixel, which names one of 256, is a third of what
Chromium writes.
*/

const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
/** As many as a byte can name. */
const allColours = 256;

/**
The same picture with a palette: its most frequent colours. Any other becomes the one that is nearest.

@param png 8 bits for each of three or four channels, not interlaced, as Chromium writes it
@param mostColours from 1 to 256
@see https://www.w3.org/TR/png-3/
*/
export function withPalette(png: Buffer, mostColours = allColours): Buffer {
  const {width, height, pixels} = pixelsOf(png);
  const counts = new Map<number, number>();
  for (const colour of pixels) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const palette = [...counts]
    .sort(([, one], [, other]) => other - one)
    .slice(0, mostColours)
    .map(([colour]) => colour);
  const indexes = new Map([...counts.keys()].map(colour => [colour, nearestColour(colour, palette)]));
  const rows = Buffer.alloc(height * (width + 1)); // each begins with 0: no filter
  pixels.forEach((colour, at) => {
    rows[at + Math.floor(at / width) + 1] = indexes.get(colour) ?? 0;
  });
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3], 8);
  const colours = Buffer.from(palette.flatMap(channelsOf));
  const chunks = [
    chunk('IHDR', head),
    chunk('PLTE', colours),
    chunk('IDAT', deflateSync(rows, {level: 9})),
    chunk('IEND', Buffer.alloc(0)),
  ];
  return Buffer.concat([signature, ...chunks]);
}

const channelsOf = (colour: number) => [colour >> 16, (colour >> 8) & 255, colour & 255];

/** Its index in the palette. */
function nearestColour(colour: number, palette: readonly number[]): number {
  const given = channelsOf(colour);
  const distance = (other: number) => channelsOf(other).reduce((sum, value, at) => sum + (value - (given[at] ?? 0)) ** 2, 0);
  return palette.reduce((best, other, at) => (distance(other) < distance(palette[best] ?? 0) ? at : best), 0);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** Each pixel as a number of 24 bits. */
function pixelsOf(png: Buffer): {width: number; height: number; pixels: Uint32Array} {
  const [width, height, depth, type, interlaced] = [png.readUInt32BE(16), png.readUInt32BE(20), png[24], png[25], png[28]];
  if (depth !== 8 || (type !== 2 && type !== 6) || interlaced !== 0) throw new TypeError('Expected a picture as Chromium writes it');
  const channels = type === 2 ? 3 : 4;
  const data: Buffer[] = [];
  for (let at = 8; at < png.length; at += png.readUInt32BE(at) + 12) {
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') data.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  const bytes = unfiltered(inflateSync(Buffer.concat(data)), width * channels, channels);
  const pixels = Uint32Array.from({length: width * height}, (_, at) => bytes.readUIntBE(at * channels, 3));
  return {width, height, pixels};
}

/** Undoes the filter of each row, in which a byte is the difference to what its neighbours foretell. */
function unfiltered(rows: Buffer, rowBytes: number, channels: number): Buffer {
  const bytes = Buffer.alloc((rows.length / (rowBytes + 1)) * rowBytes);
  for (let at = 0; at < bytes.length; at++) {
    const [row, column] = [Math.floor(at / rowBytes), at % rowBytes];
    const left = column < channels ? 0 : (bytes[at - channels] ?? 0);
    const up = row === 0 ? 0 : (bytes[at - rowBytes] ?? 0);
    const corner = row === 0 || column < channels ? 0 : (bytes[at - rowBytes - channels] ?? 0);
    const foretold = [0, left, up, (left + up) >> 1, nearest(left, up, corner)][rows[row * (rowBytes + 1)] ?? 0] ?? 0;
    bytes[at] = (rows[row * (rowBytes + 1) + 1 + column] ?? 0) + foretold;
  }
  return bytes;
}

/** Paeth's choice: whichever is nearest to left + up − corner. */
function nearest(left: number, up: number, corner: number): number {
  const [toLeft, toUp, toCorner] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}
