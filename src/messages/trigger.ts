import {ConfigurationError} from '../errors.ts';
import type {ListedHouse, ListedTrigger} from '../trigger.ts';
import {Consumer} from './consumer.ts';
import {inTime} from './in-time.ts';
import type {Connect, Terms} from './message.ts';
import {Options} from './options.ts';

/** What a system of messages declares. */
export interface MessageSystem<Own> {
  /** What the function reads in `requestContext.eventType`: one short word. */
  readonly type: string;
  /** Reads the members of an entry that are its own, and may `refuse` what does not fit together. */
  read(options: Options, terms: Terms): Own;
  /** Loads the client, and says how to connect. */
  open(own: Own, terms: Terms): Promise<Connect>;
}

/** Makes a trigger of CORE_TRIGGERS of a system of messages. */
export function messageTrigger<Own>({type, read, open}: MessageSystem<Own>): ListedTrigger<{own: Own; terms: Terms}> {
  return {
    contract: 1,

    read(given) {
      const options = new Options(given);
      const terms = options.terms();
      const own = read(options, terms);
      options.end();
      return {own, terms};
    },

    async open({own, terms}, house) {
      if (terms.ack === 'accepted') requireWork(house);
      return new Consumer({...terms, type, connect: inTime(await open(own, terms))}, house);
    },
  };
}

/** @throws ConfigurationError where work would not have what the broker forgets */
function requireWork({name, hall}: ListedHouse): void {
  const refuse = (expected: string) => new ConfigurationError([`trigger \`${name}\`: \`ack\`: expected ${expected}`]);
  if (!hall) throw refuse('CORE_WORK=on with accepted, and a journal that keeps work');
  if (hall.durability === 'buffered')
    throw refuse('a journal that outlives the core with accepted, such as CORE_JOURNAL=sqlite:<path>: in memory work would be lost');
}
