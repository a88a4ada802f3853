import {constants, crc32, zstdCompressSync, zstdDecompressSync} from 'node:zlib';
import type {Fact} from '../../facts.ts';
import {JournalDamaged, type Position, type Recorded} from '../../journal.ts';
import type {Lines} from './lines.ts';
import {linesOf as linesOfGathered} from './loose-facts.ts';

/*
How facts are stored. All facts of one commit are one row, a pack, as a row for each fact would cost more than the fact.
In a pack each fact is a line of JSON, or a record of which a line is made, and the number of the line gives its position.
*/

/** A row of table `pack`. */
export interface Pack {
  /** Position of its newest fact. */
  readonly last: Position;
  readonly count: number;
  /** Wall time of the commit. */
  readonly at: number;
  /** 1 when it holds facts that table `stream` does not list. */
  readonly loose: number;
  /** Checksum of the pack before it, as of its own commit. */
  readonly before: number;
  readonly checksum: number;
  readonly codec: number;
  readonly body: Uint8Array;
}

/** A codec is the sum of what holds: lines of text that are not compressed have 0. */
const [compressed, gathered] = [1, 2];
/** Smaller packs are not compressed, and any tool can read them. */
const worthCompressing = 512;

export function writeBody({body: {bytes, isGathered}}: Pick<Lines, 'body'>): Pick<Pack, 'codec' | 'body'> {
  const codec = isGathered ? gathered : 0;
  if (bytes.length < worthCompressing) return {codec, body: bytes};
  return {codec: codec + compressed, body: zstdCompressSync(bytes, fastest)};
}

/** It takes a third less time than the level that is zstd's own choice, and such lines get no larger. */
const fastest = {params: {[constants.ZSTD_c_compressionLevel]: 1}};

/** Includes the checksum of the pack before, so that a lost or replaced pack does not fit the next. */
export function checksumOf({last, count, at, loose, before, codec, body}: Omit<Pack, 'checksum'>): number {
  return crc32(body, crc32(`${before} ${last} ${count} ${at} ${loose} ${codec}`));
}

/** @throws JournalDamaged */
export function textOf(pack: Pack): string {
  if (checksumOf(pack) !== pack.checksum) throw new JournalDamaged(`The facts up to ${pack.last} are not what was written`);
  const bytes = pack.codec & compressed ? zstdDecompressSync(pack.body) : pack.body;
  if (pack.codec & gathered) return linesOfGathered(bytes);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** The facts of a pack, in order, of the streams that are wanted. */
export function* readPack(pack: Pack, wants: (stream: string) => boolean = () => true, text = textOf(pack)): Generator<Recorded> {
  let position = pack.last - pack.count;
  for (const line of linesOf(text)) {
    position++;
    const [stream, at, type, data] = JSON.parse(line) as [string, number, Fact['type'], unknown]; // we wrote it: the checksum was right
    if (wants(stream)) yield {stream, position, at, fact: {type, data} as Fact};
  }
}

/** The facts of one stream in a pack. Does not parse the lines of others. */
export function* readStream(pack: Pack, head: string, text = textOf(pack)): Generator<Recorded> {
  let position = pack.last - pack.count;
  for (const line of linesOf(text)) {
    position++;
    if (!line.startsWith(head)) continue;
    const [stream, at, type, data] = JSON.parse(line) as [string, number, Fact['type'], unknown]; // as above
    yield {stream, position, at, fact: {type, data} as Fact};
  }
}

function* linesOf(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\n', start);
    yield text.slice(start, end);
    start = end + 1;
  }
}
