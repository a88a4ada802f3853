import type {Clock} from '../../clock.ts';

/** One side of the channel between two of our processes: a child process, or the process itself. */
export interface Wire {
  send(message: unknown): void;
  on(event: 'message', listener: (message: unknown) => void): unknown;
}

/** What one side may ask of the other: argument and answer, both plain data. */
export type Questions = Readonly<Record<string, readonly [argument: unknown, answer: unknown]>>;

/** How the other side's questions are answered. */
export type Answers<Q extends Questions> = {[K in keyof Q]: (argument: Q[K][0]) => Q[K][1] | Promise<Q[K][1]>};

type Message =
  | {readonly ask: string; readonly argument: unknown; readonly id: number}
  | {readonly tell: string; readonly argument: unknown}
  | {readonly answers: number; readonly value: unknown}
  | {readonly answers: number; readonly error: string};

interface Question {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Questions and answers over a channel that carries one message after another. */
export class Channel<Ours extends Questions, Theirs extends Questions> {
  readonly #wire: Wire;
  readonly #answers: Answers<Theirs>;
  readonly #clock: Pick<Clock, 'after'>;
  readonly #waiting = new Map<number, Question>();
  #asked = 0;

  constructor(wire: Wire, answers: Answers<Theirs>, clock: Pick<Clock, 'after'>) {
    this.#wire = wire;
    this.#answers = answers;
    this.#clock = clock;
    wire.on('message', message => this.#receive(message as Message)); // both sides are this class
  }

  /**
  Waits for the answer.

  @param limitMs Longest wait. Without one the asker itself must bound how many of its questions wait.
  @throws Error with the other side's message, or when there was no answer in time, or when the channel was closed
  */
  ask<K extends keyof Ours & string>(ask: K, argument: Ours[K][0], limitMs?: number): Promise<Ours[K][1]> {
    const id = ++this.#asked;
    const {promise, resolve, reject} = Promise.withResolvers<unknown>();
    const late = () => {
      this.#waiting.delete(id);
      reject(new Error(`the other process did not answer within ${limitMs} ms`));
    };
    const stopTimer = limitMs === undefined ? () => {} : this.#clock.after(limitMs, late);
    this.#waiting.set(id, {
      resolve(value) {
        stopTimer();
        resolve(value);
      },
      reject(error) {
        stopTimer();
        reject(error);
      },
    });
    this.#wire.send({ask, argument, id} satisfies Message);
    return promise as Promise<Ours[K][1]>; // the answer to this question
  }

  /** Expects no answer. */
  tell<K extends keyof Ours & string>(tell: K, argument: Ours[K][0]): void {
    this.#wire.send({tell, argument} satisfies Message);
  }

  /** The other side is gone: nobody answers any more. */
  close(): void {
    for (const {reject} of this.#waiting.values()) reject(new Error('the other process is gone'));
    this.#waiting.clear();
  }

  #receive(message: Message): void {
    if ('answers' in message) {
      const waiting = this.#waiting.get(message.answers);
      this.#waiting.delete(message.answers);
      if ('error' in message) waiting?.reject(new Error(message.error));
      else waiting?.resolve(message.value);
    } else if ('tell' in message) void this.#answers[message.tell]?.(message.argument);
    else void this.#answer(message.id, message.ask, message.argument);
  }

  async #answer(answers: number, ask: string, argument: unknown): Promise<void> {
    try {
      this.#wire.send({answers, value: await this.#answers[ask]?.(argument)} satisfies Message);
    } catch (error) {
      this.#wire.send({answers, error: (error as Error).message} satisfies Message); // answers throw errors only
    }
  }
}
