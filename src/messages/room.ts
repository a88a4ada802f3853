import type {Clock} from '../clock.ts';

/** Longest wait for more room than a little: to ask a broker costs more than a message. */
const waitMs = 2;
/** As a part of all places: so many are worth asking for at once. */
const manyPart = 1 / 4;
/** Before any has come, a message may be this part of all bytes. */
const firstPart = 1 / 4;
/** How much of the difference is forgotten with each message that is smaller than those before. */
const forgets = 1 / 64;

/**
Room for messages: how many may be held at a time, and who waits for it. As brokers are asked for messages and not for bytes, as
many are asked for as have room if they are as large as the largest of late.
*/
export class Room {
  readonly most: number;
  readonly mostBytes: number;
  /** Messages that are held, waiting ones included. One that is there twice is counted once. */
  held = 0;
  #heldBytes = 0;
  /** Bytes that a message may have. */
  #expected: number;
  readonly #clock: Clock;
  /** Aborts when no further message is wanted. */
  readonly #closing: AbortSignal;
  #waiting: {readonly least: number; readonly resolve: () => void}[] = [];
  /** Calls, and who waits to make one: a broker that pushes may hand out more than have room. */
  #running = 0;
  readonly #turns: (() => void)[] = [];
  /** How often each of those that have a name is there. */
  readonly #times = new Map<string, number>();

  constructor({most, mostBytes}: Pick<Room, 'most' | 'mostBytes'>, clock: Clock, closing: AbortSignal) {
    this.most = most;
    this.mostBytes = mostBytes;
    this.#expected = mostBytes * firstPart;
    this.#clock = clock;
    this.#closing = closing;
    closing.addEventListener('abort', () => this.#wake(Number.POSITIVE_INFINITY), {once: true});
  }

  /** Waits for a place. @returns how many are free; 0 when no further message is wanted */
  async some(): Promise<number> {
    while (this.free < 1 && !this.#closing.aborted) await this.#atLeast(1);
    return this.#closing.aborted ? 0 : this.free;
  }

  /** The same for who asks for many at once: where few places are free, it waits for milliseconds until more are. */
  async many(): Promise<number> {
    const many = Math.ceil(this.most * manyPart);
    const free = await this.some();
    if (free === 0 || free >= many) return free;
    const stopTimer = this.#clock.after(waitMs, () => this.#wake(many));
    await this.#atLeast(many);
    stopTimer();
    return this.some();
  }

  /** The same for what is nowhere else: it waits for a place also when no further message is wanted. */
  async anyway(): Promise<void> {
    while (this.free < 1) await this.#atLeast(1);
  }

  /** Bytes of messages that have room now. */
  get bytes(): number {
    return Math.max(0, this.mostBytes - this.#heldBytes);
  }

  /** Messages that have room now. */
  get free(): number {
    if (this.bytes === 0) return 0;
    return Math.min(this.most - this.held, Math.max(1, Math.floor(this.bytes / this.#expected)));
  }

  /** @param name of a message that may be delivered again while it is held: only one of both runs at a time, so they share a place */
  take(bytes: number, name?: string): void {
    const times = name === undefined ? 0 : (this.#times.get(name) ?? 0);
    if (name !== undefined) this.#times.set(name, times + 1);
    if (times === 0) this.held++;
    this.#heldBytes += bytes;
    this.#expected = Math.max(bytes, this.#expected - (this.#expected - bytes) * forgets);
  }

  release(bytes: number, name?: string): void {
    const times = name === undefined ? 1 : (this.#times.get(name) ?? 1);
    if (name !== undefined && times > 1) this.#times.set(name, times - 1);
    else if (name !== undefined) this.#times.delete(name);
    if (times === 1) this.held--;
    this.#heldBytes -= bytes;
    this.#wake(this.free);
  }

  /**
  Waits for its turn, in the order of the calls, while as many run as may.

  @param ending absent for what has to run
  @returns true: then `end` has to be called; false when `ending` aborted first
  */
  begin(ending?: AbortSignal): Promise<boolean> | boolean {
    if (ending?.aborted) return false;
    if (this.#running >= this.most) return this.#turn(ending);
    this.#running++;
    return true;
  }

  end(): void {
    const next = this.#turns.shift();
    if (next) next();
    else this.#running--;
  }

  #turn(ending: AbortSignal | undefined): Promise<boolean> {
    return new Promise(resolve => {
      const turn = () => {
        ending?.removeEventListener('abort', leave);
        resolve(true);
      };
      const leave = () => {
        this.#turns.splice(this.#turns.indexOf(turn), 1);
        resolve(false);
      };
      this.#turns.push(turn);
      ending?.addEventListener('abort', leave, {once: true});
    });
  }

  #atLeast(least: number): Promise<void> {
    return new Promise(resolve => this.#waiting.push({least, resolve}));
  }

  /** @param free wakes those for whom so many are enough */
  #wake(free: number): void {
    if (this.#waiting.length === 0) return;
    const woken = this.#waiting.filter(({least}) => least <= free);
    this.#waiting = this.#waiting.filter(({least}) => least > free);
    for (const {resolve} of woken) resolve();
  }
}
