import type {Payload, Position, Receipt} from '../../journal.ts';
import type {Append, Batch, Command} from './messages.ts';

/** A caller that waits for a receipt. */
export interface Waiter {
  readonly stream: string;
  readonly expect: Position | undefined;
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (error: Error) => void;
}

/** Commands that are sent together. */
export interface Gathered {
  readonly commands: Batch['commands'];
  /** In the order of the commands; undefined where nobody waits. */
  readonly waiters: readonly (Waiter | undefined)[];
  readonly characters: number;
  readonly facts: number;
  readonly payloads: number;
}

/** Gathers facts until they are sent in one message. Facts that nobody waits for become one text, of whichever stream. */
export class Turn {
  /** Length of text and payloads, roughly in bytes. */
  characters = 0;
  #facts = 0;
  #payloads = 0;
  #commands: Command[] = [];
  #waiters: (Waiter | undefined)[] = [];
  #loose = '';
  #looseCount = 0;
  #loosePayloads: Payload[] = [];

  append(command: Append, waiter?: Waiter): void {
    this.#endLoose(); // keeps the order in which facts came
    this.#commands.push(command);
    this.#waiters.push(waiter);
    this.#count(command.text, command.count, command.payloads);
  }

  record(text: string, count: number, payloads: readonly Payload[]): void {
    this.#loose += text;
    this.#looseCount += count;
    for (const payload of payloads) this.#loosePayloads.push(payload);
    this.#count(text, count, payloads);
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

  #count(text: string, facts: number, payloads: readonly Payload[] = []): void {
    this.characters += text.length;
    this.#facts += facts;
    this.#payloads += payloads.length;
    for (const {bytes} of payloads) this.characters += bytes.length;
  }

  #endLoose(): void {
    if (this.#looseCount === 0) return;
    this.#commands.push({stream: undefined, text: this.#loose, count: this.#looseCount, payloads: this.#loosePayloads});
    this.#waiters.push(undefined);
    this.#loose = '';
    this.#looseCount = 0;
    this.#loosePayloads = [];
  }
}
