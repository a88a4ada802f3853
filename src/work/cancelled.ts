import type {Change, WorkItem} from '../work.ts';
import {forgottenSecrets} from './stored.ts';

/** What is kept when an item ends that does not run, as somebody asked for it. */
export function cancelled({id, acceptedAt, isBare}: Pick<WorkItem, 'id' | 'acceptedAt' | 'isBare'>, now: number): Change {
  const data = {outcome: 'cancelled', status: 410, durationMs: Math.max(0, now - acceptedAt)} as const;
  return {facts: [{type: 'invocation.settled', data}], payloads: forgottenSecrets({id, isBare})};
}
