import {type Answer, answerOf} from '../answer.ts';
import {insist, type Patience} from '../insist.ts';
import type {Subjects} from '../subjects.ts';
import {Away, type Transport} from '../transport.ts';

/** How large the stream of an application is. */
export interface StreamSize {
  readonly bytes: number;
  /** Undefined for no limit. */
  readonly mostBytes: number | undefined;
  readonly first: number;
  readonly last: number;
}

const notThere = [10_037, 10_043];

/** Removes messages from the stream of an application. What is removed is gone on all servers. */
export class StreamAdmin {
  readonly #transport: Transport;
  readonly #subjects: Subjects;
  readonly #patience: Patience;

  constructor(transport: Transport, subjects: Subjects, patience: Patience) {
    this.#transport = transport;
    this.#subjects = subjects;
    this.#patience = patience;
  }

  async size(): Promise<StreamSize> {
    const {state, config} = await this.#call<Info>('STREAM.INFO', {});
    if (!state || !config) throw new Away('The servers do not say how large the stream is');
    return {
      bytes: state.bytes,
      mostBytes: config.max_bytes > 0 ? config.max_bytes : undefined,
      first: state.first_seq,
      last: state.last_seq,
    };
  }

  /** Removes what is on these subjects, up to but without the message with this number if there is one. @returns how many messages */
  async purge(filter: string, below?: number): Promise<number> {
    const {purged = 0} = await this.#call<{purged?: number}>('STREAM.PURGE', {filter, ...(below !== undefined && {seq: below})});
    return purged;
  }

  async remove(sequence: number): Promise<void> {
    await this.#call('STREAM.MSG.DELETE', {seq: sequence, no_erase: true});
  }

  #call<T>(name: string, ask: object): Promise<Partial<T>> {
    return insist(this.#patience, async () => {
      const answer = answerOf(await this.#transport.request(`$JS.API.${name}.${this.#subjects.stream}`, JSON.stringify(ask))) as Answer &
        Partial<T>;
      if (answer.error && !notThere.includes(answer.error.err_code)) throw new Away(answer.error.description);
      return answer;
    });
  }
}

interface Info {
  readonly state: {readonly bytes: number; readonly first_seq: number; readonly last_seq: number};
  readonly config: {readonly max_bytes: number};
}
