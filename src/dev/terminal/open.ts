import type {Clock} from '../../clock.ts';
import type {Observation, Observer} from '../../observation.ts';
import type {Environment} from '../../settings/setting.ts';
import {Actions, type Controls} from './actions.ts';
import {Agenda} from './agenda.ts';
import {banner, type Shown} from './banner.ts';
import {inkFor} from './ink.ts';
import {Keyboard, type Tty} from './keyboard.ts';
import {LastCall} from './last-call.ts';
import {noteLine} from './lines.ts';
import {Prefix} from './prefix.ts';
import {type Out, Screen} from './screen.ts';
import {statusText} from './status.ts';
import {Story} from './story.ts';
import {Tally} from './tally.ts';

export interface TerminalOptions {
  readonly stdout: Out;
  /** Where keys come from, when it is a terminal, too. */
  readonly stdin: Tty;
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
  /** Its core has ended; another may follow. */
  ended(): void;
}

export interface ViewOptions {
  /** Stands before each line of the function; absent when it is the only one. */
  readonly name?: string | undefined;
  /** Of the function: places in its files are shown. */
  readonly folder: string;
}

/** What `dev` prints: lines in a pipe or in a file; on a terminal colours and keys, too, and a status line at the bottom. */
export interface Terminal {
  view(options: ViewOptions): View;
  /** The functions are up: says where, and what to try. From now on keys are heard. */
  serving(functions: () => readonly Shown[], controls: Controls): void;
  /** Shows what still waits, and leaves the terminal as it was. */
  close(): void;
}

/** The status line is drawn anew this often at most, and at least so often for the time in it. */
const redrawMs = 100;
const tickMs = 1000;

export function openTerminal({stdout, stdin, env, clock}: TerminalOptions): Terminal {
  const screen = new Screen(stdout);
  const isTerminal = stdout.isTTY === true && env.TERM !== 'dumb';
  const ink = inkFor(isTerminal, env);
  const tally = new Tally();
  const last = new LastCall();
  const stories: Story[] = [];
  const prefix = new Prefix(ink);
  let agenda: Agenda | undefined;
  let keyboard: Keyboard | undefined;
  let isClosed = false;
  let isDue = false;

  return {
    view({name, folder}) {
      const mark = name === undefined ? undefined : prefix.of(name);
      const write = (lines: readonly string[]) => screen.write(mark ? lines.map(line => mark() + line) : lines);
      const story = new Story({folder, ink, clock, write});
      stories.push(story);
      return {
        feed(observation: Observation) {
          tally.count(observation, name);
          if (observation.type === 'ended') last.keep(observation, name);
          story.tell(observation);
          redrawSoon();
        },
        noted: sentence => story.note(sentence),
        reloaded: (sentence, error) => story.reloaded(sentence, error),
        ended() {
          tally.forget(name ?? '');
          story.close();
          redrawSoon();
        },
      };
    },

    serving(functions, controls) {
      screen.write(banner(functions(), ink));
      if (!isTerminal || isClosed) return;
      agenda = new Agenda(functions, env, clock);
      const print = (lines: readonly string[]) => screen.write(lines);
      const actions = new Actions({
        functions,
        controls,
        env,
        clock,
        last: () => last.of(functions()),
        note: sentence => print(noteLine(sentence, clock.now(), ink)),
        print,
        clear: () => screen.clear(),
      });
      if (stdin.isTTY) keyboard = new Keyboard(stdin, clock, {press: key => actions.press(key), suspend: () => screen.takeAway()});
      tick();
    },

    close() {
      if (isClosed) return;
      isClosed = true;
      for (const story of stories) story.close();
      screen.takeAway();
      keyboard?.close();
    },
  };

  function tick(): void {
    if (isClosed) return;
    keyboard?.take();
    redraw();
    clock.after(tickMs, tick);
  }

  function redrawSoon(): void {
    if (isDue || !agenda) return;
    isDue = true;
    clock.after(redrawMs, () => {
      isDue = false;
      redraw();
    });
  }

  function redraw(): void {
    if (!agenda || isClosed) return;
    const isOurs = keyboard === undefined || keyboard.hasKeys; // in the background, the last line is the shell's
    screen.setStatus(isOurs ? ink('dim', statusText(tally, agenda.next(), clock.now(), screen.width)) : '');
  }
}
