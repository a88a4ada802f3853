/**
Says that a caller has left. An AbortSignal is one; to make one of its own for each call, and to listen to it, costs a twentieth of a
call that passes through.
*/
export interface CallerSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: LeaveListener, options?: {readonly once: true}): void;
  removeEventListener(type: 'abort', listener: LeaveListener): void;
}

export type LeaveListener = (() => void) | {handleEvent(): void};
