import {callAtRate} from '../callers.ts';
import type {Phase} from '../phase.ts';

const query = Array.from({length: 100_000}, (_, index) => `k${index}=abc`)
  .join('&')
  .slice(0, 1_000_000);

export const queryBomb: Phase = {
  name: 'query-bomb',
  title: 'eight times a second a query of 1 MB with 100,000 keys',
  others: {perSecond: 20, path: '?ms=5'},
  bounds: {most: {coreMiB: 384, slowestMs: 10_000}, least: {goodShare: 0.9}},
  attack: async ({url}, over) => void (await callAtRate(() => url, {perSecond: 8, path: `?${query}`}, over)),
};
