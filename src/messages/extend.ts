import type {ListedHouse} from '../trigger.ts';
import type {Connection, Message} from './message.ts';

/** Extends a message until it is stopped. */
export function extending(message: Message, {extendMs}: Connection, clock: ListedHouse['clock']): () => void {
  if (extendMs === undefined || !message.extend) return () => {};
  let stop = () => {};
  const later = () => {
    stop = clock.after(extendMs, () => {
      void message.extend?.().catch(() => {}); // then it is delivered again, and known
      later();
    });
  };
  later();
  return () => stop();
}
