import type {Delivery} from '../../src/delivery.ts';
import type {Fault} from '../../src/errors.ts';
import type {Journal} from '../../src/journal.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import type {Message} from '../../src/messages/message.ts';
import type {ListedHouse} from '../../src/trigger.ts';
import {ManualClock} from './clock.ts';
import {fakeHouse} from './fakes.ts';

export const terms = {type: 'fake', ack: 'settled', attempts: undefined, retryMs: 1000} as const;

/** A message of which only key and acknowledgement matter. */
export const ordinary = {
  body: Buffer.from('{}'),
  contentType: '',
  attributes: [],
  facts: {},
  destination: 'orders',
  mayBeAgain: true,
} as const satisfies Partial<Message>;

/** A function that always answers with this status, and a message that says in `told` what the broker hears. */
export function place(
  status: number,
  {journal = new MemoryJournal(new ManualClock()), fault, ...more}: Partial<Message> & {journal?: Journal; fault?: Fault} = {},
) {
  const told: string[] = [];
  let calls = 0;
  const house: ListedHouse = {
    ...fakeHouse({
      clock: new ManualClock(),
      journal,
      async deliver(delivery: Delivery) {
        calls++;
        delivery.reply({status, headers: [], body: '', ...(fault && {fault})});
      },
    }),
    name: 'orders',
  };
  const message: Message = {
    key: 'orders/1',
    sentAt: 1_700_000_000_000,
    ...ordinary,
    async accept() {
      told.push('accept');
    },
    async giveBack(afterMs) {
      told.push(`back ${afterMs}`);
    },
    async bury() {
      told.push('bury');
    },
    ...more,
  };
  return {house, message, told, journal, calls: () => calls};
}
