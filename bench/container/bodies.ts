import http from 'node:http';
import {systemClock} from '../../src/clock.ts';

/** Bodies that are sent so many at a time, each over a connection of its own; the function answers with the body. */
export interface Bodies {
  readonly bytes: number;
  readonly bodies: number;
  readonly atOnce: number;
}

/** What became of them. */
export interface Answers {
  good: number;
  /** 503 with Retry-After. */
  refused: number;
  /** Any other answer, or none: each with what it was. */
  readonly wrong: string[];
}

const hungMs = 60_000;

export function sendBodies(url: string, bodies: Bodies): Promise<Answers> {
  return send(url, Buffer.alloc(bodies.bytes, 'The quick brown fox jumps over the lazy dog.\n'), bodies);
}

/** Asks for replies of so many bytes each: the body says how many, and the function makes them. */
export function askReplies(url: string, bodies: Bodies): Promise<Answers> {
  return send(url, Buffer.from(String(bodies.bytes)), bodies);
}

async function send(url: string, body: Buffer, {bytes, bodies, atOnce}: Bodies): Promise<Answers> {
  const answers: Answers = {good: 0, refused: 0, wrong: []};
  let left = bodies;
  const sender = async () => {
    while (left-- > 0) {
      const {status, retryAfter, receivedBytes} = await post(url, body);
      if (status === '200' && receivedBytes === bytes) answers.good++;
      else if (status === '503' && retryAfter) answers.refused++;
      else answers.wrong.push(status === '200' ? `200 with ${receivedBytes} bytes` : status);
    }
  };
  await Promise.all(Array.from({length: atOnce}, sender));
  return answers;
}

interface Answer {
  /** Or why there was none. */
  readonly status: string;
  readonly retryAfter?: boolean;
  readonly receivedBytes?: number;
}

/** Never rejects. */
function post(url: string, body: Buffer): Promise<Answer> {
  return new Promise(resolve => {
    const headers = {'Content-Type': 'text/plain', 'Content-Length': body.length};
    const request = http.request(url, {method: 'POST', agent: false, headers});
    const stopTimer = systemClock.after(hungMs, () => end({status: 'none for a minute'}));
    const end = (answer: Answer) => {
      stopTimer();
      request.destroy();
      resolve(answer);
    };
    let isAnswered = false;
    const lose = ({code, message}: NodeJS.ErrnoException) => isAnswered || end({status: code ?? message}); // an early answer breaks the upload off
    request.on('error', lose);
    request.once('response', response => {
      const {statusCode = 0, headers} = response;
      isAnswered = statusCode >= 300;
      let receivedBytes = 0;
      response.on('data', chunk => {
        receivedBytes += chunk.length;
      });
      response.once('error', lose);
      response.once('end', () => end({status: String(statusCode), retryAfter: headers['retry-after'] !== undefined, receivedBytes}));
      response.once('close', () => end({status: 'cut off'}));
    });
    request.end(body);
  });
}
