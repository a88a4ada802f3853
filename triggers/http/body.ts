import type {IncomingMessage} from 'node:http';
import {Fault} from '../../src/errors.ts';

/**
Receives the whole body, or throws: the function never runs on a part of one.

@throws Fault BODY_TOO_LARGE by the declared length, before a byte is read, or as soon as the count passes
@throws Fault BODY_INCOMPLETE when the client leaves
*/
export function readBody(request: IncomingMessage, maxBytes: number, onStart: () => void): Promise<Buffer> | Buffer {
  const declared = request.headers['content-length'];
  if (declared === undefined && request.headers['transfer-encoding'] === undefined) return nothing;
  if (Number(declared ?? 0) > maxBytes) throw tooLarge(maxBytes);
  onStart();

  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        request.removeAllListeners('data');
        reject(tooLarge(maxBytes));
      } else {
        chunks.push(chunk);
      }
    });
    request.once('end', () => {
      if (!request.complete) return reject(incomplete());
      resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, bytes));
    });
    request.once('error', () => reject(incomplete()));
    request.once('close', () => reject(incomplete()));
  });
}

const nothing = Buffer.alloc(0);

const incomplete = () => new Fault('BODY_INCOMPLETE');

function tooLarge(maxBytes: number): Fault {
  return new Fault('BODY_TOO_LARGE', {message: `Request payload too large, max payload size = ${maxBytes} bytes`});
}
