import type {Clock} from '../../clock.ts';
import type {Observation, Observer} from '../../observation.ts';
import type {Environment} from '../../settings/setting.ts';
import {banner, type Shown} from './banner.ts';
import {type Ink, inkFor, nameStyle} from './ink.ts';
import {type Out, Screen} from './screen.ts';
import {statusText} from './status.ts';
import {Story} from './story.ts';
import {Tally} from './tally.ts';

export interface TerminalOptions {
  readonly stdout: Out;
  readonly env: Environment;
  readonly clock: Clock;
}

/** One function as the terminal shows it. */
export interface View {
  /** Shows what the core of the function reports. */
  readonly feed: Observer;
  /** A sentence for a person. */
  noted(sentence: string): void;
  /** How a reload ended. @param error why the new code does not serve */
  reloaded(sentence: string, error?: string): void;
}

export interface ViewOptions {
  /** Stands before each line of the function; absent when it is the only one. */
  readonly name?: string | undefined;
  /** Of the function: places in its files are shown. */
  readonly folder: string;
}

/** What `dev` prints: lines in a pipe or in a file; on a terminal colours, too, and a status line at the bottom. */
export interface Terminal {
  view(options: ViewOptions): View;
  /** The functions are up: says where, and what to try. */
  serving(functions: readonly Shown[]): void;
  /** Shows what still waits, and leaves the terminal as it was. */
  close(): void;
}

/** The status line is drawn anew this often at most, and at least so often for the time in it. */
const redrawMs = 100;
const tickMs = 1000;

export function openTerminal({stdout, env, clock}: TerminalOptions): Terminal {
  const screen = new Screen(stdout);
  const ink = inkFor(stdout.isTTY === true, env);
  const tally = new Tally();
  const stories: Story[] = [];
  let isServing = false;
  let isClosed = false;
  let isDue = false;

  return {
    view({name, folder}) {
      const write = prefixed(screen, ink, name, stories.length);
      const story = new Story({folder, ink, clock, write});
      stories.push(story);
      return {
        feed(observation: Observation) {
          tally.count(observation, name);
          story.tell(observation);
          redrawSoon();
        },
        noted: sentence => story.note(sentence),
        reloaded: (sentence, error) => story.reloaded(sentence, error),
      };
    },

    serving(functions) {
      screen.write(functions.flatMap(each => banner(each, ink)));
      isServing = true;
      tick();
    },

    close() {
      if (isClosed) return;
      isClosed = true;
      for (const story of stories) story.close();
      screen.setStatus('');
      screen.flush();
    },
  };

  function tick(): void {
    redraw();
    if (stdout.isTTY && !isClosed) clock.after(tickMs, tick);
  }

  function redrawSoon(): void {
    if (isDue || !stdout.isTTY) return;
    isDue = true;
    clock.after(redrawMs, () => {
      isDue = false;
      redraw();
    });
  }

  function redraw(): void {
    if (isServing && !isClosed) screen.setStatus(ink('dim', statusText(tally, undefined, clock.now(), screen.width)));
  }
}

/** Functions that are served side by side are told apart by their names. */
function prefixed(screen: Screen, ink: Ink, name: string | undefined, index: number): (lines: readonly string[]) => void {
  if (name === undefined) return lines => screen.write(lines);
  const mark = `${ink(nameStyle(index), name)} ${ink('dim', '│')} `;
  return lines => screen.write(lines.map(line => mark + line));
}
