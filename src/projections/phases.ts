import type {InvocationView} from './invocations.ts';

/**
A part of an invocation's time: its request was received and made into an event; it waited for a free place, or for a
process to start; the function was called; its answer was made into a reply.
*/
export interface Phase {
  readonly phase: 'accepted' | 'waited' | 'started' | 'called' | 'answered';
  /** From the arrival on. */
  readonly fromMs: number;
  readonly ms: number;
}

/** Where the time of an invocation went, in order; empty while it runs, and when its end came from an older core. */
export function phasesOf({durationMs, calledAtMs, calledMs = 0, waitedMs = 0, cold, code}: InvocationView): Phase[] {
  if (durationMs === undefined) return [];
  if (calledAtMs === undefined) {
    // It was refused. What waits and gets no place has a code of the pool.
    return code === undefined ? [] : [{phase: code.startsWith('POOL_') ? 'waited' : 'accepted', fromMs: 0, ms: durationMs}];
  }
  const waited = Math.min(waitedMs, calledAtMs);
  const lengths = [
    ['accepted', calledAtMs - waited],
    [cold ? 'started' : 'waited', waited],
    ['called', calledMs],
    ['answered', Math.max(0, durationMs - calledAtMs - calledMs)],
  ] as const;
  const phases: Phase[] = [];
  let fromMs = 0;
  for (const [phase, length] of lengths) {
    const ms = rounded(length);
    if (ms > 0 || phase === 'called') phases.push({phase, fromMs: rounded(fromMs), ms});
    fromMs += length;
  }
  return phases;
}

const rounded = (ms: number) => Math.round(ms * 1000) / 1000;
