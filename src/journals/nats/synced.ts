import type {Durability} from '../../journal.ts';
import type {Capabilities} from '../engine.ts';

const watchPort = 8222;
const answerMs = 2000;
const asserted = 'asserted';
const mostAnswer = 2 ** 20;
/** As many copies survive the loss of a machine, as two of them are still the majority. */
const fewestReplicas = 3;

/** What is seen of a server over HTTP. */
interface Watched {
  readonly server_id?: string;
  readonly config?: {readonly sync_always?: boolean};
}

/**
Whether the servers sync what they keep before they acknowledge it. They do not tell their clients, but whoever watches them.

@param given what a setting says: `asserted`, or the addresses where they are watched
@param hosts `host:port` of the servers, which are watched at the usual port when the setting says nothing
@param copies how many servers must be seen
*/
export async function seeSync(given: string | undefined, hosts: readonly string[], copies: number): Promise<Capabilities['synced']> {
  if (given === asserted) return 'asserted';
  const addresses =
    given?.split(',').map(address => address.trim()) ?? hosts.map(host => `http://${host.replace(/:\d+$/, '')}:${watchPort}`);
  const seen = await Promise.all(addresses.map(watch));
  const synced = new Set(seen.filter(({config}) => config?.sync_always === true).map(({server_id}) => server_id));
  return seen.every(({config}) => config?.sync_always === true) && synced.size >= copies ? 'seen' : 'no';
}

async function watch(address: string): Promise<Watched> {
  try {
    const answer = await fetch(`${address.replace(/\/$/, '')}/jsz?config=true`, {signal: AbortSignal.timeout(answerMs), redirect: 'error'});
    const text = await answer.text();
    return text.length > mostAnswer ? {} : (JSON.parse(text) as Watched); // the protocol of the servers
  } catch {
    return {};
  }
}

/** What a receipt may promise. Pure. */
export function durabilityOf(replicas: number, synced: Capabilities['synced']): Durability {
  if (synced === 'no') return 'process';
  return replicas >= fewestReplicas ? 'replicated' : 'fsync';
}
