import {readFileSync} from 'node:fs';

/**
Where something listens on a port beyond loopback: an address as people write it, such as 0.0.0.0. Undefined when nothing does,
or when the system does not say (no /proc).
*/
export function exposedAt(port: number): string | undefined {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return addressIn('/proc/net/tcp', hex) ?? addressIn('/proc/net/tcp6', hex);
}

/** proc_net_tcp: the second column is address:port in hex, the fourth the state (0A listens). */
function addressIn(table: string, port: string): string | undefined {
  for (const row of rowsOf(table)) {
    const [, local = '', , state] = row.trim().split(/\s+/, 4);
    const [address = '', given] = local.split(':');
    if (state === '0A' && given === port && !isLoopback(address)) return written(address);
  }
  return undefined;
}

function rowsOf(table: string): string[] {
  try {
    return readFileSync(table, 'latin1').split('\n').slice(1);
  } catch {
    return [];
  }
}

/** In words of 32 bits as the processor has them: the first byte of an address of IPv4 stands last. */
const isLoopback = (address: string) =>
  /^[0-9A-F]{6}7F$/.test(address) || /^0{16}FFFF0000[0-9A-F]{6}7F$/.test(address) || address === '00000000000000000000000001000000';

function written(address: string): string {
  if (/^0{32}$/.test(address)) return '::';
  const last = address.slice(-8);
  if (address.length > 8 && !address.startsWith('0000000000000000FFFF0000')) return 'an address of IPv6';
  return [6, 4, 2, 0].map(at => Number.parseInt(last.slice(at, at + 2), 16)).join('.');
}
