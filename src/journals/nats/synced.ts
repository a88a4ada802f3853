import type {Durability} from '../../journal.ts';
import type {Capabilities} from '../engine.ts';

const watchPort = 8222;
const answerMs = 2000;
const asserted = 'asserted';
const mostAnswer = 2 ** 20;
/** As many copies survive the loss of a machine, as two of them are still the majority. */
const fewestReplicas = 3;

/** What a server says of itself to whoever watches it over HTTP. */
export interface Watched {
  readonly server_id: string;
  readonly server_name: string;
  readonly version: string;
  readonly jetstream?: {readonly config?: {readonly sync_always?: boolean}};
}

/** What is seen at each address at which a server is watched; undefined where none has answered. */
export type Seen = ReadonlyMap<string, Watched | undefined>;

/**
Where the servers are watched; undefined when nobody looks there.

@param given what a setting says: `asserted`, or addresses
@param hosts `host:port` of the servers, which are watched at the usual port when the setting says nothing
*/
export function addressesOf(given: string | undefined, hosts: readonly string[]): readonly string[] | undefined {
  if (given === asserted) return undefined;
  return given?.split(',').map(address => address.trim()) ?? hosts.map(host => `http://${host.replace(/:\d+$/, '')}:${watchPort}`);
}

/** Asks servers whether they sync what they keep before they acknowledge it. They do not tell their clients, but whoever watches them. */
export async function watch(addresses: readonly string[]): Promise<Seen> {
  return new Map(await Promise.all(addresses.map(async address => [address, await watchOne(address)] as const)));
}

async function watchOne(address: string): Promise<Watched | undefined> {
  try {
    const answer = await fetch(`${address.replace(/\/$/, '')}/varz`, {signal: AbortSignal.timeout(answerMs), redirect: 'error'});
    const text = await answer.text();
    return answer.ok && text.length <= mostAnswer ? (JSON.parse(text) as Watched) : undefined; // the protocol of the servers
  } catch {
    return undefined;
  }
}

/**
The servers that are not seen to sync, by their names, or by their addresses where none has answered. Pure.

@param holders names of the servers that have a copy, as far as that is known
*/
export function unsyncedIn(seen: Seen, holders: readonly string[]): readonly string[] {
  const servers = [...seen].map(([address, watched]) => ({
    name: watched?.server_name ?? address,
    syncs: watched?.jetstream?.config?.sync_always === true,
  }));
  const strangers = holders.filter(holder => !servers.some(({name}) => name === holder));
  return [...new Set([...servers.filter(({syncs}) => !syncs).map(({name}) => name), ...strangers])];
}

/** How many servers are seen, each counted once: two addresses may lead to the same. Pure. */
export const serversIn = (seen: Seen): number => new Set([...seen.values()].flatMap(watched => watched?.server_id ?? [])).size;

/** What a receipt may promise. Pure. */
export function durabilityOf(replicas: number, synced: Capabilities['synced']): Durability {
  if (synced === 'no') return 'process';
  return replicas >= fewestReplicas ? 'replicated' : 'fsync';
}
