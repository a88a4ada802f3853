import {isUtf8} from 'node:buffer';
import {printJson} from '../command/terminal.ts';
import type {InvocationResult} from '../delivery.ts';
import {functionLines} from '../dev/terminal/lines.ts';
import type {Reading} from '../dev/terminal/thrown.ts';
import {nodeHttp} from '../http/node-http.ts';
import {utf8FromLatin1} from '../http/utf8.ts';
import type {FunctionLine} from '../log.ts';
import {printable, printableLines} from '../printable.ts';

export interface Answer {
  readonly result: InvocationResult;
  /** What the function printed, where it is a part of the answer. */
  readonly lines: readonly FunctionLine[];
  /** HEAD has no body. */
  readonly isHead: boolean;
  readonly durationMs: number;
}

export interface PrintWish {
  readonly json: boolean;
  readonly raw: boolean;
  /** Status and headers are on stdout, too. */
  readonly include: boolean;
}

/** A line of the function, on stderr as it comes; an error with its place in the source, as `dev` shows it. */
export function printLine(line: FunctionLine, reading: Reading): void {
  console.error(functionLines(line, reading).join('\n'));
}

/** Prints the answer: the body on stdout, its head on stderr, or both as one object. */
export function printAnswer(answer: Answer, {json, raw, include}: PrintWish): void {
  const {result, isHead} = answer;
  const body = isHead ? nothing : Buffer.from(result.body);
  if (json) {
    printJson(plain(answer, body));
    return;
  }
  const head = [
    `HTTP/1.1 ${result.status} ${nodeHttp.STATUS_CODES[result.status] ?? ''}`.trimEnd(),
    ...pairsOf(result).map(pair => pair.join(': ')),
    '',
  ];
  (include ? console.log : console.error)(head.map(printable).join('\n'));
  if (body.length === 0) return;
  if (raw || !process.stdout.isTTY) process.stdout.write(body);
  else if (isUtf8(body)) console.log(printableLines(body.toString('utf8').replace(/\n$/, '')));
  else console.error(`The body is ${body.length} bytes that are no text: send them to a file, or add --raw`);
}

const nothing = Buffer.alloc(0);

function plain({result, lines, durationMs}: Answer, body: Buffer) {
  const isText = isUtf8(body);
  return {
    status: result.status,
    ...(result.fault && {error: result.fault.code}),
    durationMs: Math.round(durationMs * 10) / 10,
    headers: pairsOf(result),
    body: body.toString(isText ? 'utf8' : 'base64'),
    isBase64Encoded: !isText,
    lines: lines.map(({stream, line, level, stack}) => ({stream, line, level, stack})),
  };
}

/** Name and value of each field. */
function pairsOf({headers}: InvocationResult): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < headers.length; index += 2) pairs.push([headers[index] ?? '', utf8FromLatin1(headers[index + 1] ?? '')]);
  return pairs;
}
