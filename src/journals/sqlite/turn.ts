import type {Fact} from '../../facts.ts';
import type {Payload} from '../../journal.ts';
import {BundledAppends} from './bundle.ts';
import {LooseFacts} from './loose-facts.ts';
import type {Append, Batch, Bundled, Command} from './messages.ts';
import type {Waiter} from './waiter.ts';

/** Commands that are sent together. */
export interface Gathered {
  readonly commands: Batch['commands'];
  /** In the order of the commands; undefined where nobody waits. */
  readonly waiters: readonly (Waiter | undefined)[];
  readonly characters: number;
  readonly facts: number;
  readonly payloads: number;
}

/** Gathers facts until they are sent in one message. Facts that nobody waits for are sent together, of whichever stream. */
export class Turn {
  /** Length of text and payloads, roughly in bytes. */
  characters = 0;
  #facts = 0;
  #payloads = 0;
  #commands: (Command | Bundled)[] = [];
  #waiters: (Waiter | undefined)[] = [];
  readonly #loose = new LooseFacts();
  #looseCount = 0;
  #loosePayloads: Payload[] = [];
  readonly #beginnings = new BundledAppends(true);
  readonly #ends = new BundledAppends(false);
  /** Streams of those. */
  readonly #bundled = new Set<string>();

  /** Appends with many others, of which each may be kept later than what came after it to another stream. Nothing may be expected of it. */
  bundle(command: Append, waiter: Waiter): void {
    const {stream, begins} = command;
    const bundle = begins ? this.#beginnings : this.#ends;
    if (!bundle.fits(command) || (begins && this.#bundled.has(stream))) this.#endBundles();
    if (!bundle.fits(command)) {
      this.append(command, waiter);
      return;
    }
    bundle.add(command, waiter);
    this.#bundled.add(stream);
    this.#count(command.text.length, command.count, command.payloads);
  }

  /** True while what was appended to the stream is in a bundle. */
  holds(stream: string): boolean {
    return this.#bundled.has(stream);
  }

  append(command: Append, waiter?: Waiter): void {
    this.#endLoose(); // keeps the order in which facts came
    this.#endBundles();
    this.#commands.push(command);
    this.#waiters.push(waiter);
    this.#count(command.text.length, command.count, command.payloads);
  }

  record(stream: string, at: number, facts: readonly Fact[], payloads: readonly Payload[]): void {
    if (this.#bundled.has(stream)) this.#endBundles();
    const before = this.#loose.length;
    for (const fact of facts) this.#loose.add(stream, at, fact);
    this.#looseCount += facts.length;
    for (const payload of payloads) this.#loosePayloads.push(payload);
    this.#count(this.#loose.length - before, facts.length, payloads);
  }

  /** How many commands were gathered, apart from facts that nobody waits for. */
  get waiters(): number {
    return this.#waiters.length;
  }

  /** Everything that was gathered; undefined when nothing was. */
  take(): Gathered | undefined {
    this.#endLoose();
    this.#endBundles();
    if (this.#commands.length === 0) return undefined;
    const gathered = {
      commands: this.#commands,
      waiters: this.#waiters,
      characters: this.characters,
      facts: this.#facts,
      payloads: this.#payloads,
    };
    this.#commands = [];
    this.#waiters = [];
    this.characters = 0;
    this.#facts = 0;
    this.#payloads = 0;
    return gathered;
  }

  #count(characters: number, facts: number, payloads: readonly Payload[] = []): void {
    this.characters += characters;
    this.#facts += facts;
    this.#payloads += payloads.length;
    for (const {bytes} of payloads) this.characters += bytes.length;
  }

  #endBundles(): void {
    if (this.#bundled.size === 0) return;
    this.#bundled.clear();
    for (const bundle of [this.#beginnings, this.#ends]) {
      if (bundle.size === 0) continue;
      const {waiter, ...command} = bundle.take();
      this.#commands.push(command);
      this.#waiters.push(waiter);
    }
  }

  #endLoose(): void {
    if (this.#looseCount === 0) return;
    this.#commands.push({stream: undefined, lines: this.#loose.take(), count: this.#looseCount, payloads: this.#loosePayloads});
    this.#waiters.push(undefined);
    this.#looseCount = 0;
    this.#loosePayloads = [];
  }
}
