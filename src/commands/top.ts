import {systemClock} from '../clock.ts';
import {flag, json} from '../command/arguments.ts';
import {command} from '../command/command.ts';
import {askCore, messageOf, NoCore} from '../command/core-here.ts';
import {envOfCore} from '../command/cores-here.ts';
import {printJson} from '../command/terminal.ts';
import {exit} from '../exit.ts';
import type {Environment} from '../settings/setting.ts';
import {untilInterrupted} from './journal-at.ts';
import {openScreen} from './screen.ts';
import {type Figures, topText} from './top-text.ts';

const everyMs = 1000;
/** The core answers from memory. */
const waitMs = 5000;

/** `core-runtime top`: what the core that runs here does, once a second. Exit code 69 when no core answers at the start. */
export const top = command({
  summary: 'Shows what the core that runs here does: rates, times, queue, processes and memory, once a second.',
  options: {once: flag('Print it once and end. So it does where stdout is no terminal, but for --json.'), json},
  examples: {
    top: 'Watch the core of the settings until Ctrl-C.',
    'top --once --json': 'Print the current figures for a program; without --once, a line each second.',
  },
  async run({once, json: isJson}, given) {
    const env = await envOfCore(given);
    const show = (figures: Figures) => (isJson ? printJson(figures) : console.log(topText(figures).join('\n')));
    const first = await figuresOf(env);
    if (once || (!isJson && !process.stdout.isTTY)) {
      show(first);
      return exit.done;
    }
    const signal = untilInterrupted();
    using screen = isJson ? undefined : openScreen(process.stdout);
    for (let figures = first, problem: string | undefined; ; ) {
      if (screen) screen.draw(topText(figures, problem));
      else if (problem === undefined) show(figures);
      if (!(await systemClock.sleep(everyMs, signal))) return exit.done;
      try {
        figures = await figuresOf(env);
        problem = undefined;
      } catch (error) {
        if (!(error instanceof NoCore)) throw error;
        problem ??= error.message; // it may come back; until then the last figures stay
      }
    }
  },
});

/** @throws NoCore */
async function figuresOf(env: Environment): Promise<Figures> {
  const [now, {cores}, history] = await Promise.all([ask('/api/now'), ask('/api/processes'), ask('/api/history?window=1m')]);
  const work = now.work === true ? await ask('/api/work?limit=1') : undefined;
  return {...now, cores, history, work} as unknown as Figures; // as src/admin/routes/now.ts, processes.ts and work.ts write them

  async function ask(path: string): Promise<Record<string, unknown>> {
    const {status, body} = await askCore(env, 'GET', path, {waitMs});
    if (status === 200 && body) return body;
    throw new NoCore(`the core that runs here does not answer ${path}: ${messageOf(body ?? {}) ?? `status ${status}`}`);
  }
}
