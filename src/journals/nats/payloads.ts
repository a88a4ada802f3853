import type {Payload} from '../../journal.ts';
import type {Kept, Reading} from './reading.ts';
import type {Subjects} from './subjects.ts';
import type {Entry} from './writing.ts';

/** Bytes of a piece. */
const pieceBytes = 2 ** 19;
const piecesField = 'Core-Pieces';
/** How often a payload that is replaced while it is read is read again. */
const mostTries = 10;

/** Payloads are larger than a message may be, so they are kept in pieces. */
export function piecesOf(subjects: Subjects, {name, bytes}: Payload, ttlS?: number): Entry[] {
  const count = Math.max(1, Math.ceil(bytes.length / pieceBytes));
  return Array.from({length: count}, (_, index) => ({
    subject: subjects.payload(name, index),
    body: bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes),
    replaces: true,
    ttlS,
    fields: {[piecesField]: String(count)},
  }));
}

export async function readPayload(reading: Reading, subjects: Subjects, name: string): Promise<Uint8Array | undefined> {
  for (let tries = 0; tries < mostTries; tries++) {
    // That a piece is not there, or is not of the same payload as the others, is known only as of now: a deposed leader answers, too.
    const pieceAt = async (number: number) => {
      const subject = subjects.payload(name, number);
      return (tries === 0 ? await reading.last(subject) : undefined) ?? reading.lastNow(subject);
    };
    const first = await pieceAt(0);
    if (!first) return undefined;
    const count = Number(first.field(piecesField));
    const others = Array.from({length: count - 1}, (_, index) => pieceAt(index + 1));
    const pieces = [first, ...(await Promise.all(others))].filter((piece): piece is Kept => piece?.appendId === first.appendId);
    if (pieces.length === count) return Uint8Array.from(Buffer.concat(pieces.map(({body}) => body)));
  }
  return undefined;
}
