import dns, {type LookupAddress, type LookupOptions} from 'node:dns';
import {BlockList, isIP, type LookupFunction} from 'node:net';

/** A callback would go to an address that is not a public one. */
export class AddressRefused extends Error {
  static {
    AddressRefused.prototype.name = 'AddressRefused';
  }

  constructor(host: string, address: string) {
    super(host === address ? `${address} is not a public address` : `${host} has the address ${address}, which is not a public one`);
  }
}

/** IPv4 addresses that are not public (IANA's registry of special-purpose addresses), and those of groups. */
const special: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];

/** IPv6 addresses within the public block that are special: protocols (also Teredo), documentation, and 6to4, which carries IPv4. */
const special6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const refused = new BlockList();
for (const [net, bits] of special) refused.addSubnet(net, bits, 'ipv4');
for (const [net, bits] of special6) refused.addSubnet(net, bits, 'ipv6');
/** All public IPv6 addresses are in here; loopback, link-local, private, groups, and those that carry IPv4 are not. */
const public6 = new BlockList();
public6.addSubnet('2000::', 3, 'ipv6');

/** True for an address that anybody on the Internet may have. */
export function isPublic(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !refused.check(address, 'ipv4');
  return family === 6 && public6.check(address, 'ipv6') && !refused.check(address, 'ipv6');
}

export type IsAllowed = (address: string) => boolean;
export type Resolve = (host: string, options: LookupOptions, callback: (error: Error | null, found: LookupAddress[]) => void) => void;

/** @throws AddressRefused for a host that is an address: it is never looked up */
export function refuseAddress(host: string, isAllowed: IsAllowed): void {
  const address = host.replace(/^\[(.*)\]$/, '$1');
  if (isIP(address) !== 0 && !isAllowed(address)) throw new AddressRefused(address, address);
}

const resolveHere: Resolve = (host, options, callback) =>
  dns.lookup(host, {...options, all: true}, (error, found) => callback(error, found));

/**
Looks names up for a connection, and fails with AddressRefused when any of the addresses is not allowed. The connection goes to
an address that was checked: a name that points elsewhere a moment later changes nothing.
*/
export function checkedLookup(isAllowed: IsAllowed, resolve: Resolve = resolveHere): LookupFunction {
  return function lookup(host, options, callback) {
    resolve(host, options, (error, found = []) => {
      const bad = found.find(({address}) => !isAllowed(address));
      const [first] = found;
      if (error) callback(error, '');
      else if (bad) callback(new AddressRefused(host, bad.address), '');
      else if (!first) callback(new Error(`${host} has no address`), '');
      else if (options.all) callback(null, found);
      else callback(null, first.address, first.family);
    });
  };
}
