import {networkInterfaces} from 'node:os';
import {isLoopback} from '../admin/caller.ts';

/**
Says where a function answers others than this machine.

@param host address that it listens on
@returns undefined when only this machine reaches it
*/
export function networkNote(host: string, port: string | number): string | undefined {
  if (isLoopback(host)) return undefined;
  const addresses = ['0.0.0.0', '::', ''].includes(host) ? ownAddresses() : [host];
  const urls = addresses.map(address => `http://${address.includes(':') ? `[${address}]` : address}:${port}`);
  return `Open to the network${urls.length === 0 ? '' : `: ${urls.join(', ')}`}`;
}

/** Most addresses that are worth a look; a machine with containers may have many. */
const mostAddresses = 3;

function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap(each => each ?? []);
  return all
    .filter(({family, internal}) => family === 'IPv4' && !internal)
    .map(({address}) => address)
    .slice(0, mostAddresses);
}
