import type {Phase} from '../phase.ts';
import {strangers} from '../strangers.ts';

const largest = 128 * 2 ** 20;
const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${largest}\r\n\r\nx`;

export const declaredBodies: Phase = {
  name: 'declared-bodies',
  title: '22 connections that declare 128 MiB each and send one byte',
  others: {perSecond: 20, path: '?ms=5', method: 'POST', body: 'x'.repeat(1024)},
  env: {SCW_PAYLOAD_MAX_SIZE: String(largest)},
  bounds: {most: {coreMiB: 256, slowestMs: 10_000}, least: {goodShare: 0.99}},
  attack: ({port}, over) => strangers(22, port, {sends: head, reads: 'all'}, over),
};
