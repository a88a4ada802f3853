import {type Clock, dateOf} from '../../clock.ts';
import type {Ended} from '../../observation.ts';
import {printable} from '../../printable.ts';
import type {Environment} from '../../settings/setting.ts';
import type {Shown} from './banner.ts';
import {indent} from './call-line.ts';
import {fireSchedule, type KnownSchedule, schedulesOf} from './private-listener.ts';
import {sendAgain} from './send-again.ts';

/** What the keys can do with the functions. */
export interface Controls {
  /** Lets the code on disk take over. */
  reload(): unknown;
  /** Stops cleanly: calls in flight finish. */
  stop(): void;
  /** Ends at once. */
  abandon(): void;
  openInBrowser(url: string): void;
}

export interface ActionsHouse {
  /** Those that serve by now. */
  readonly functions: () => readonly Shown[];
  readonly controls: Controls;
  readonly env: Environment;
  /** The last call of a function that ended, and whose it was. */
  readonly last: () => {readonly call: Ended; readonly of: Shown} | undefined;
  readonly clock: Clock;
  /** Prints a sentence, with the time. */
  note(sentence: string): void;
  print(lines: readonly string[]): void;
  clear(): void;
}

/** How it is shown, and what it does. */
type Choice = readonly [string, () => unknown];

const mostChoices = 9;
/** The line of a call that was sent again is printed before the comparison. */
const lineMs = 100;
const ctrlC = '\x03';

/** Does what the keys ask for. */
export class Actions {
  readonly #house: ActionsHouse;
  /** What the digits choose among now. */
  #choices: readonly Choice[] = [];
  readonly #running = new Set<string>();
  #isStopping = false;

  constructor(house: ActionsHouse) {
    this.#house = house;
  }

  press(key: string): void {
    const chosen = this.#choices[Number(key) - 1];
    this.#choices = [];
    if (chosen) void this.#run(...chosen);
    else if (key === 'q' || key === ctrlC) this.#stop();
    else if (key === 'c' || key === '\f') this.#house.clear();
    else if (key === '\r')
      this.#house.print(['']); // a gap before what comes next, as in any terminal
    else if (key === 'r') void this.#run(key, () => this.#house.controls.reload());
    else if (key === 'o') this.#open();
    else if (key === 's') void this.#run(key, () => this.#offerSchedules());
    else if (key === 'p') void this.#run(key, () => this.#again());
    else if (key === 'h' || key === '?') this.#house.print(help);
  }

  /** A second time while the first one waits ends everything at once. */
  #stop(): void {
    const {controls} = this.#house;
    if (this.#isStopping) controls.abandon();
    else controls.stop();
    this.#isStopping = true;
  }

  #open(): void {
    const [first] = this.#house.functions(); // several share one console
    if (first) void this.#run('o', () => this.#show(`${first.consoleUrl ?? first.adminUrl}/`));
  }

  /** The address is said, too, as there may be no browser here. */
  #show(url: string): void {
    const {controls, note} = this.#house;
    note(`Opening ${url}`);
    controls.openInBrowser(url);
  }

  async #offerSchedules(): Promise<void> {
    const {functions, env, note} = this.#house;
    const known = (await Promise.all(functions().map(each => schedulesOf(each, env)))).flat();
    if (known.length === 0) return note('There are no schedules: CORE_SCHEDULES sets them');
    this.#choose(
      'Fire:',
      known.map(each => [scheduleText(each), () => this.#fire(each)]),
    );
  }

  async #fire(schedule: KnownSchedule): Promise<void> {
    const refused = await fireSchedule(schedule, this.#house.env);
    if (refused !== undefined) this.#house.note(`${schedule.name} was not fired: ${refused}`);
  }

  async #again(): Promise<void> {
    const {last, note, print, clock} = this.#house;
    const {call, of} = last() ?? {};
    if (!call || !of) return note('There is no call to send again yet');
    if (call.kind === 'cron') return this.#fire({of, name: call.target, at: undefined, timezone: undefined});
    if (!call.exchange) return note(`${call.kind} ${call.target} cannot be sent again: it was not received whole, or is too large to keep`);
    const found = await sendAgain(of.url, call.exchange);
    await clock.sleep(lineMs);
    const name = `#${call.id.slice(-4)}`;
    if (found.length === 0) return note(`The reply is the same as that of ${name}`);
    note(`The reply differs from that of ${name}`);
    print(found.map(each => `${indent}${printable(each)}`));
  }

  /** The only one is chosen at once. */
  #choose(question: string, choices: readonly Choice[]): void {
    const {note, print} = this.#house;
    const [only] = choices;
    if (choices.length === 1 && only) return void this.#run(...only);
    this.#choices = choices.slice(0, mostChoices);
    note(`${question} press a number, or any other key for none`);
    print(choices.slice(0, mostChoices).map(([text], at) => `${indent}${at + 1}  ${printable(text)}`));
  }

  /** Runs it unless it runs already: a function may take its time. */
  async #run(what: string, act: () => unknown): Promise<void> {
    if (this.#running.has(what)) return this.#house.note('That is under way already');
    this.#running.add(what);
    try {
      await act();
    } catch (error) {
      this.#house.note(error instanceof Error ? error.message : String(error));
    } finally {
      this.#running.delete(what);
    }
  }
}

/** The time is that of clocks in the zone of the schedule, in which its expression is written. */
function scheduleText({of, name, at, timezone = 'UTC'}: KnownSchedule): string {
  const next = at === undefined ? 'no occurrence to come' : `next ${dateOf(at).toLocaleString('sv', {timeZone: timezone})} ${timezone}`;
  return `${of.name === undefined ? '' : `${of.name}  `}${name}  ${next}`;
}

const help = [
  'r  reload the function',
  'o  open the console',
  's  fire a schedule',
  'p  send the last call again, and compare the replies',
  'c  clear the terminal',
  'q  quit once the calls in flight have ended; a second time at once. So does Ctrl-C',
].map(line => `  ${line}`);
