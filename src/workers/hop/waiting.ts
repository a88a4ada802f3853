import type {CallEnd} from '../../hop/hop.ts';
import type {ChannelReply} from '../../runtime.ts';

/** Who waits for a call. */
export interface Waiting {
  resolve(reply: ChannelReply): void;
  reject(error: Error): void;
  ended(end: CallEnd): void;
  givenUp(): void;
}
