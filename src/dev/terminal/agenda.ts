import type {Clock} from '../../clock.ts';
import type {Environment} from '../../settings/setting.ts';
import type {Shown} from './banner.ts';
import {schedulesOf} from './private-listener.ts';
import type {Due} from './status.ts';

/** The schedules are asked for again this long after an occurrence: the core has fired it by then. */
const afterMs = 2000;

/** Which schedule fires next. It asks the cores when the answer may have changed. */
export class Agenda {
  readonly #functions: () => readonly Shown[];
  readonly #env: Environment;
  readonly #clock: Clock;
  #due: Due | undefined;
  /** Who was asked: others may have come since. */
  #asked: string | undefined;
  #isAsking = false;
  #askAt = 0;

  constructor(functions: () => readonly Shown[], env: Environment, clock: Clock) {
    this.#functions = functions;
    this.#env = env;
    this.#clock = clock;
  }

  /** What is known now; asks meanwhile if that is out of date. */
  next(): Due | undefined {
    const now = this.#clock.now();
    const isOver = this.#due !== undefined && this.#due.at <= now && this.#askAt <= now;
    const isKnown = this.#asked === addressesOf(this.#functions());
    if ((!isKnown || isOver) && !this.#isAsking) void this.#ask();
    return this.#due;
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    const functions = this.#functions();
    const known = (await Promise.all(functions.map(each => schedulesOf(each, this.#env)))).flat();
    const [first] = known
      .flatMap(({of, name, at}) => (at === undefined ? [] : [{name: of.name === undefined ? name : `${of.name} ${name}`, at}]))
      .sort((one, other) => one.at - other.at);
    this.#due = first;
    this.#asked = addressesOf(functions);
    this.#isAsking = false;
    this.#askAt = this.#clock.now() + afterMs;
  }
}

const addressesOf = (functions: readonly Shown[]) => functions.map(({adminUrl}) => adminUrl).join(' ');
