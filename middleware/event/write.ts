import {isUtf8} from 'node:buffer';
import type {RequestInput} from '../../src/delivery.ts';
import type {CallFacts} from '../../src/protocol.ts';
import type {BodyForm, WrittenEvent} from '../../src/runtime.ts';
import {keysIn, writeHeaders, writeQuery} from './maps.ts';

export interface EventOptions {
  readonly functionName: string;
  readonly functionVersion: string;
  readonly memoryMb: number;
  readonly handlerPath: string;
  readonly handlerName: string;
  /** `sniff`: a text that happens to be base64 is flagged as base64, as in the original. */
  readonly base64: 'exact' | 'sniff';
  /** True when recorded events are run again: the context says so. */
  readonly replay?: boolean;
}

export type WriteEvent = (input: RequestInput, facts: CallFacts) => WrittenEvent;

/** Makes the function that writes an event as JSON text. The parts that are the same in every event are written once, here. */
export function eventWriter(options: EventOptions): WriteEvent {
  const {functionName, functionVersion, memoryMb, handlerPath, handlerName, base64, replay} = options;
  const same = {functionName, functionVersion, memoryInMb: memoryMb, memoryLimitInMb: memoryMb, ...(replay && {replay})};
  const context = `,"context":${JSON.stringify(same).slice(0, -1)}`;
  const handler = `,"handlerPath":${JSON.stringify(handlerPath)},"handlerName":${JSON.stringify(handlerName)}`;

  return function writeEvent(input, {id, deadlineMs, credential}) {
    const method = JSON.stringify(input.method);
    const path = JSON.stringify(input.path);
    const headers = writeHeaders(input.headers, credential);
    const keys = keysIn(input.query);
    if (keys > fewKeys) input.holder?.written(keys * keyBytes);
    const query = writeQuery(input.query);
    const more = input.context ? writeMembers(input.context) : '';
    const target = input.target === undefined ? '' : `"target":${JSON.stringify(input.target)},`;
    const start =
      `{${target}"event":{"resource":"${input.eventType}","path":${path},"httpMethod":${method}` +
      `,"headers":${headers.single},"multiValueHeaders":${headers.multi}` +
      `,"queryStringParameters":${query.single},"multiValueQueryStringParameters":${query.multi}` +
      ',"pathParameters":{},"stageVariables":null' +
      ',"requestContext":{"accountId":"","resourceId":"","apiId":"","resourcePath":"","authorizer":null,"stage":"dev"' +
      `,"eventType":"${input.eventType}","httpMethod":${method},"path":${path},"requestId":"${id}"` +
      `,"identity":{"sourceIp":${JSON.stringify(input.sourceIp)}}${more}}`;
    const {body} = input;
    input.holder?.written(start.length + body.length);
    return {
      start,
      body,
      form: formOf(body, base64),
      context: `${context},"invocationId":"${id}","deadlineMs":${deadlineMs},"trace":`,
      handler,
      ...(input.open?.body && {open: input.open}),
    };
  };
}

/** Up to this many keys cost no more than their request costs in any case. */
const fewKeys = 100;
/** What a key costs until the event has been sent: its objects and texts, some of which are garbage by then. */
const keyBytes = 1024;

/** Writes each member with a comma before it. */
function writeMembers(context: Readonly<Record<string, unknown>>): string {
  const members = JSON.stringify(context).slice(1, -1);
  return members === '' ? '' : `,${members}`;
}

/** Text as it is, anything else as base64. */
function formOf(body: Buffer, mode: 'exact' | 'sniff'): BodyForm {
  if (!isUtf8(body)) return 'bytes';
  return mode === 'sniff' && decodesAsBase64(body.toString('utf8')) ? 'base64' : 'text';
}

/** Go's StdEncoding: padded, newlines ignored; the empty text decodes too. */
function decodesAsBase64(text: string): boolean {
  const digits = text.replaceAll(/[\r\n]/g, '');
  // One pattern for all of it would need stack for every group of four.
  return digits.length % 4 === 0 && !/[^A-Za-z0-9+/]/.test(digits.replace(/={1,2}$/, ''));
}
