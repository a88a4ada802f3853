import type {Fact} from '../facts.ts';
import type {Claimed, WorkLimits, WorkState} from '../work.ts';

/**
What a claim does with an item. Pure; every engine uses it. Lost: its core ended during an attempt; ending: while it ended the
item; unheard: the claim was kept but reported to have failed, so nothing was run.
*/
export function beginAttempt(
  item: WorkState & {readonly isLost: boolean; readonly isEnding: boolean; readonly isUnheard?: boolean; readonly epoch: number},
  {attempts, deaths}: WorkLimits,
  now: number,
): {readonly task: Claimed['task']; readonly attempts: number; readonly deaths: number; readonly facts: readonly Fact[]} {
  const before = item.attempts - (item.isUnheard ? 1 : 0);
  if (item.isCallback) return {task: 'callback', attempts: before + 1, deaths: 0, facts: []};
  const facts: Fact[] = [];
  const died = item.deaths + (item.isLost ? 1 : 0);
  if (item.isLost) {
    const lost = {attempt: item.attempts, class: 'lost', retryable: true, code: 'UPSTREAM_LOST'} as const;
    facts.push({type: 'attempt.failed', data: lost});
  }
  if (item.isUnheard) {
    facts.push({type: 'attempt.failed', data: {attempt: item.attempts, class: 'busy', retryable: true, code: 'JOURNAL_FAILED'}});
    if (item.mostAttempts === 1) return {task: 'withdraw', attempts: item.attempts, deaths: died, facts};
  }
  const isUsedUp = (item.isLost || item.isEnding) && item.attempts >= (item.mostAttempts ?? attempts);
  if (died >= deaths || isUsedUp) {
    return {task: 'bury', attempts: item.attempts, deaths: died, facts};
  }
  if (before === 0 && item.expires !== undefined && item.expires <= now) {
    return {task: 'expire', attempts: 0, deaths: died, facts};
  }
  const attempt = before + 1;
  facts.push({type: 'attempt.started', data: {attempt, epoch: item.epoch}});
  return {task: 'run', attempts: attempt, deaths: died, facts};
}
