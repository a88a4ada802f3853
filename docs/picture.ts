import {writeFile} from 'node:fs/promises';
import path from 'node:path';
import {withPalette} from './palette.ts';

interface Most {
  readonly mostBytes: number;
  /** By default 256. */
  readonly mostColours?: number;
}

/**
Writes a picture for the documents, with a palette.

@param png as Chromium writes it
@throws Error for a picture that is too large for a repository
*/
export async function writePicture(file: string, png: Buffer, {mostBytes, mostColours}: Most): Promise<void> {
  const picture = withPalette(png, mostColours);
  const name = path.basename(file);
  if (picture.length > mostBytes) throw new Error(`Expected ${name} to have at most ${mostBytes} bytes, got ${picture.length}`);
  await writeFile(file, picture);
  console.log(`${name}  ${picture.length} bytes`);
}
