import {systemClock} from '../../clock.ts';
import {Away, type Message} from './transport.ts';

interface Question {
  readonly messages: Message[];
  readonly isLast: (message: Message) => boolean;
  readonly end: (result: readonly Message[] | Away) => void;
}

/** Questions on their way: each is answered, is late, or is lost with the connection. The client itself knows no loss: it waits. */
export class Asked {
  readonly #inbox: string;
  readonly #questions = new Map<string, Question>();
  #next = 1;

  /** @param inbox whose parts are those of the questions */
  constructor(inbox: string) {
    this.#inbox = inbox;
  }

  /** Where all answers arrive. */
  get subject(): string {
    return `${this.#inbox}.*`;
  }

  /** @param send is told where the answer is to go @param isLast whether nothing comes after this message @throws Away */
  ask(ms: number, isLast: Question['isLast'], send: (reply: string) => void): Promise<readonly Message[]> {
    const key = String(this.#next++);
    return new Promise((resolve, reject) => {
      const end = (result: readonly Message[] | Away) => {
        stopTimer();
        this.#questions.delete(key);
        if (result instanceof Away) reject(result);
        else resolve(result);
      };
      const stopTimer = systemClock.after(ms, () => end(new Away('No server answered in time', {isLate: true})));
      this.#questions.set(key, {messages: [], isLast, end});
      try {
        send(`${this.#inbox}.${key}`);
      } catch (cause) {
        end(cause instanceof Away ? cause : new Away('The connection is closed', {cause}));
      }
    });
  }

  answered(message: Message): void {
    const question = this.#questions.get(message.subject.slice(this.#inbox.length + 1));
    if (!question) return; // it was late
    question.messages.push(message);
    if (question.isLast(message)) question.end(question.messages);
  }

  /** What was asked may have been done all the same. */
  lost(why: string): void {
    for (const {end} of [...this.#questions.values()]) end(new Away(why));
  }
}
