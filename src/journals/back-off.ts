const longestMs = 5000;

/** How long to wait before the next try to connect. @param time how many have failed in a row */
export const backOff = (time: number): number => Math.min(longestMs, 50 * 2 ** Math.min(time, 10)) * (0.5 + Math.random() / 2);
