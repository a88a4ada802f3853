import type {Began, Ended} from '../../observation.ts';

/** A call on its way. */
export interface Call {
  readonly began: Began;
  /** What is to stand below its line. */
  held: string[];
  hasError: boolean;
  isShown: boolean;
  ended: Ended | undefined;
  /** Monotonic time at which its line is printed, whatever the function goes on to write. */
  dueAt: number;
  stopTimer: () => void;
}

export const newCall = (began: Began): Call => ({
  began,
  held: [],
  hasError: false,
  isShown: false,
  ended: undefined,
  dueAt: 0,
  stopTimer: () => {},
});
