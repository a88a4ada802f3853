/** @typedef {import('../../answers.js').Fact} Fact */

/**
 * An attempt, or (without a number) the moment at which a dead letter was sent again. `againMs`: the next one follows after that.
 *
 * @typedef {{at: string, attempt?: number, class?: string, code?: string, status?: number, outcome?: string, againMs?: number}} Attempt
 */

/**
 * What was tried, in the order of time.
 *
 * @param {readonly Fact[]} facts of one invocation, the oldest first
 * @returns {Attempt[]}
 */
export function attemptsOf(facts) {
  /** @type {Attempt[]} */
  const attempts = [];
  for (const {type, at, data} of facts) {
    const last = attempts.at(-1);
    const isOpen = last?.attempt !== undefined && last.class === undefined && last.outcome === undefined;
    if (type === 'attempt.started') attempts.push({at, attempt: data.attempt});
    else if (type === 'invocation.redriven') attempts.push({at});
    else if (type === 'attempt.failed') {
      const failure = {class: data.class, code: data.code};
      if (isOpen) Object.assign(last, failure);
      else attempts.push({at, attempt: data.attempt, ...failure});
    } else if (type === 'retry.scheduled' && last) last.againMs = data.afterMs;
    else if (type === 'invocation.settled' && last?.attempt !== undefined)
      Object.assign(last, {outcome: data.outcome, status: data.status});
  }
  return attempts;
}
