import {styleText} from 'node:util';
import type {Environment} from '../../settings/setting.ts';

type Style = Parameters<typeof styleText>[0];

/** Gives text a style; on paper, where nothing is coloured, the text as it is. */
export type Ink = (style: Style, text: string) => string;

export const plainInk: Ink = (_style, text) => text;
export const colourInk: Ink = (style, text) => (text === '' ? '' : styleText(style, text, {validateStream: false}));

/** Only a terminal gets colours, and only when the environment does not object. @see https://no-color.org */
export function inkFor(isTerminal: boolean, {NO_COLOR, TERM}: Environment): Ink {
  return isTerminal && !NO_COLOR && TERM !== 'dumb' ? colourInk : plainInk;
}

/** Colours that tell functions apart. */
const nameStyles: readonly Style[] = ['cyan', 'magenta', 'yellow', 'green', 'blue'];

export const nameStyle = (index: number): Style => nameStyles[index % nameStyles.length] ?? 'cyan';

export function statusStyle(status: number): Style {
  if (status >= 500) return 'red';
  if (status >= 400) return 'yellow';
  return status >= 300 ? 'cyan' : 'green';
}
