import http from 'node:http';
import net, {type AddressInfo} from 'node:net';
import type {AnswerHead} from '../../protocols/http/answer-head.ts';
import {AnswerReader, type AnswerTaker} from '../../protocols/http/answer-reader.ts';
import {Fault} from '../../src/errors.ts';

/* What our reader of answers, and that of Node, make of the same bytes. */

/** What became of the bytes of a server. */
export interface Verdict {
  readonly interim: readonly number[];
  readonly status?: number;
  readonly reason?: string;
  readonly fields?: readonly string[];
  readonly body?: string;
  readonly trailers?: readonly string[];
  /** `whole`; `cut` behind its head; `broken`: no answer, or not HTTP behind its head; `switched` to another protocol. */
  readonly end: 'whole' | 'cut' | 'broken' | 'lost' | 'switched';
}

class Notes implements AnswerTaker {
  readonly interimOnes: number[] = [];
  head: AnswerHead | undefined;
  body = '';
  trailers: readonly string[] = [];
  end: Verdict['end'] = 'lost';

  interim({status}: AnswerHead): void {
    this.interimOnes.push(status);
  }
  switched(head: AnswerHead, rest: Buffer): void {
    this.head = head;
    this.body = rest.toString('latin1');
    this.end = 'switched';
  }
  cameWhole(head: AnswerHead, body: Buffer, trailers: readonly string[]): void {
    this.headCame(head);
    this.piece(body);
    this.ended(trailers);
  }
  headCame(head: AnswerHead): void {
    this.head = head;
    this.end = 'cut';
  }
  piece(bytes: Buffer): void {
    this.body += bytes.toString('latin1');
  }
  ended(trailers: readonly string[]): void {
    this.trailers = trailers;
    this.end = 'whole';
  }

  get verdict(): Verdict {
    const {head, body, trailers, end} = this;
    if (!head) return {interim: this.interimOnes, end};
    if (end === 'switched') return {interim: this.interimOnes, status: head.status, fields: head.fields, end};
    return {interim: this.interimOnes, status: head.status, reason: head.reason, fields: head.fields, body, trailers, end};
  }
}

/** @param cuts where the packets end, before the last one */
export function readBy(bytes: string, method: string, cuts: readonly number[] = []): {verdict: Verdict; keepMs: number} {
  const reader = new AnswerReader();
  const notes = new Notes();
  reader.expect(method === 'HEAD');
  const all = Buffer.from(bytes, 'latin1');
  try {
    for (const [index, from] of [0, ...cuts].entries()) {
      const packet = Buffer.from(all.subarray(from, cuts[index] ?? all.length));
      reader.read(packet, notes);
      packet.fill('?'); // the buffer is used again: nothing may hold it
    }
    if (notes.end !== 'whole' && notes.end !== 'switched') reader.end(notes);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    notes.end = 'broken';
  }
  return {verdict: notes.verdict, keepMs: reader.keepMs};
}

/** What Node makes of them. */
export async function readByNode(bytes: string, method: string): Promise<Verdict> {
  const server = net.createServer(socket => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(Buffer.from(bytes, 'latin1')));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const {port} = server.address() as AddressInfo;
  const interim: number[] = [];
  const {promise, resolve} = Promise.withResolvers<Verdict>();
  const agent = new http.Agent({keepAlive: true});
  const request = http.request({agent, host: '127.0.0.1', port, method, maxHeaderSize: 2 ** 20});
  request.maxHeadersCount = 0;
  request.on('information', ({statusCode}) => interim.push(statusCode));
  request.once('upgrade', ({statusCode: status = 0, rawHeaders: fields}, socket) => {
    socket.destroy();
    resolve({interim, status, fields, end: 'switched'});
  });
  request.on('error', (error: NodeJS.ErrnoException) => resolve({interim, end: error.code === 'ECONNRESET' ? 'lost' : 'broken'}));
  request.once('response', answer => {
    let body = '';
    let end: Verdict['end'] = 'cut';
    answer.on('data', (piece: Buffer) => {
      body += piece.toString('latin1');
    });
    request.removeAllListeners('error');
    request.on('error', () => {
      end = 'broken';
    });
    answer.on('error', () => {});
    answer.once('close', () => {
      const {statusCode: status = 0, statusMessage: reason = '', rawHeaders: fields, rawTrailers: trailers, complete} = answer;
      resolve({interim, status, reason, fields, body, trailers, end: complete ? 'whole' : end});
    });
  });
  request.end();
  const verdict = await promise;
  agent.destroy();
  server.close();
  return verdict;
}
