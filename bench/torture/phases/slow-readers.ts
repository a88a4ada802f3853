import type {Phase} from '../phase.ts';
import {strangers} from '../strangers.ts';

const request = 'GET /?size=6291456 HTTP/1.1\r\nHost: a\r\n\r\n';

export const slowReaders: Phase = {
  name: 'slow-readers',
  title: '200 readers of 6 MiB replies who take 64 KiB every 4 s, and come again when they are cut off',
  others: {perSecond: 20, path: '?ms=5'},
  bounds: {most: {coreMiB: 512, slowestMs: 15_000}},
  attack: ({port}, over) => strangers(200, port, {sends: request, reads: 4000}, over),
};
