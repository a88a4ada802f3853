import type {Phase} from '../phase.ts';
import {strangers} from '../strangers.ts';

const packet = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2300);

export const pipelinedFlood: Phase = {
  name: 'pipelined-flood',
  title: '50 connections, each with one packet of 2,300 pipelined GETs; every reply is read',
  others: {perSecond: 20, path: '?ms=5'},
  bounds: {most: {coreMiB: 384, slowestMs: 10_000}, least: {goodShare: 0.99}},
  attack: ({port}, over) => strangers(50, port, {sends: packet, reads: 'all'}, over),
};
