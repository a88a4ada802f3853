import type {Phase} from '../phase.ts';
import {strangers} from '../strangers.ts';

const requests = 'GET /?size=6291456 HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(120);

export const pipelinedUnread: Phase = {
  name: 'pipelined-unread',
  title: 'one connection with 120 pipelined GETs of a 6 MiB reply, of which nothing is read',
  others: {perSecond: 20, path: '?ms=5'},
  bounds: {most: {coreMiB: 256, slowestMs: 10_000}, least: {goodShare: 0.95}},
  attack: ({port}, over) => strangers(1, port, {sends: requests, reads: 'nothing'}, over),
};
