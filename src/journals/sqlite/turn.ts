import type {Fact} from '../../facts.ts';
import type {Payload} from '../../journal.ts';
import {LooseFacts} from './loose-facts.ts';
import type {Append, Batch, Command, Outcome} from './messages.ts';

/** A caller that waits for a receipt. */
export interface Waiter {
  readonly resolve: (outcome: Taken) => void;
  readonly reject: (error: Error) => void;
}

/** The outcome of a command that was not refused for lack of room. */
export type Taken = Exclude<Outcome, {readonly refused: string}>;

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
  #commands: Command[] = [];
  #waiters: (Waiter | undefined)[] = [];
  readonly #loose = new LooseFacts();
  #looseCount = 0;
  #loosePayloads: Payload[] = [];

  append(command: Append, waiter?: Waiter): void {
    this.#endLoose(); // keeps the order in which facts came
    this.#commands.push(command);
    this.#waiters.push(waiter);
    this.#count(command.text.length, command.count, command.payloads);
  }

  record(stream: string, at: number, facts: readonly Fact[], payloads: readonly Payload[]): void {
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

  #endLoose(): void {
    if (this.#looseCount === 0) return;
    this.#commands.push({stream: undefined, lines: this.#loose.take(), count: this.#looseCount, payloads: this.#loosePayloads});
    this.#waiters.push(undefined);
    this.#looseCount = 0;
    this.#loosePayloads = [];
  }
}
