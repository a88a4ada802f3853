/** As many pings without an answer have a server left that sends nothing else, either. */
const mostUnanswered = 2;
/** The client itself leaves a server only after so many. */
export const mostPings = 60;

/** What is used of a connection of the client. */
export interface Watched {
  status(): AsyncIterable<{readonly type: string; readonly pendingPings?: number}>;
  stats(): {readonly inMsgs: number};
  reconnect(): Promise<void>;
}

/**
Whether a connection is there, each time that this changes. A server that stands still is left after two pings. One that sends
lives: its answers to pings come behind what it sends, as when all work is told to a core that has little of a processor.
*/
export async function* changesOf(connection: Watched): AsyncGenerator<boolean> {
  let heard = -1;
  for await (const {type, pendingPings = 0} of connection.status()) {
    if (type === 'disconnect') yield false;
    if (type === 'reconnect') yield true;
    if (type !== 'ping') continue;
    const {inMsgs} = connection.stats();
    if (pendingPings > mostUnanswered && inMsgs === heard) connection.reconnect().catch(() => {}); // it is closed already
    heard = inMsgs;
  }
  yield false;
}
