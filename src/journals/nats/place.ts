import type {Access} from '../engine.ts';

/** Where a journal is in NATS. */
export interface NatsPlace {
  /** `host:port` of each server. */
  readonly hosts: readonly string[];
  /** The cores that name the same application share one journal. */
  readonly application: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** What stands in place of a user and a password, when there is no password. */
  readonly token?: string | undefined;
  /** A file of credentials. */
  readonly credentials?: string | undefined;
  /** Undefined: TLS if the servers ask for it. Otherwise it must be, with these files, if any. */
  readonly tls?: TlsFiles | undefined;
  /** `asserted`, or where the servers are watched: addresses separated by commas. */
  readonly synced?: string | undefined;
}

/** Whom the servers' certificates must be of, and the core's own certificate with its key. */
export interface TlsFiles {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

const usualPort = 4222;
const form = /^\/\/(?:(?<user>[^:@/]+)(?::(?<password>[^@/]*))?@)?(?<hosts>[^/?@]+)\/(?<application>[\w-]{1,64})(?:\?(?<more>.*))?$/;
const hostForm = /^(?:[\w.-]+|\[[\da-fA-F:]+\])(?::\d{1,5})?$/;
const known = ['credentials', 'synced', 'tls', 'ca', 'cert', 'key'];

/**
Reads a place: what follows the scheme in `nats://host:port,host:port,host:port/shop`.

@returns undefined when it names no servers or no application, or has a parameter that does not exist
*/
export function parsePlace(place: string): NatsPlace | undefined {
  const {user, password, hosts = '', application, more = ''} = form.exec(place)?.groups ?? {};
  const list = hosts.split(',');
  const parameters = new URLSearchParams(more);
  if (application === undefined || !list.every(host => hostForm.test(host))) return undefined;
  if (![...parameters.keys()].every(name => known.includes(name))) return undefined;
  if ((parameters.get('tls') ?? 'required') !== 'required' || parameters.has('cert') !== parameters.has('key')) return undefined;
  const isToken = user !== undefined && password === undefined;
  return {
    hosts: list.map(host => (/:\d+$/.test(host) ? host : `${host}:${usualPort}`)),
    application,
    user: user === undefined || isToken ? undefined : decoded(user),
    password: password === undefined ? undefined : decoded(password),
    token: isToken ? decoded(user) : undefined,
    credentials: parameters.get('credentials') ?? undefined,
    tls: tlsOf(parameters),
    synced: parameters.get('synced') ?? undefined,
  };
}

function tlsOf(parameters: URLSearchParams): TlsFiles | undefined {
  const given = (['ca', 'cert', 'key'] as const).flatMap(name => (parameters.has(name) ? [[name, parameters.get(name)] as const] : []));
  return given.length > 0 || parameters.has('tls') ? Object.fromEntries(given) : undefined;
}

/** The same place with what settings say; what it says itself comes first. */
export function placeWith(place: string, access: Access): string {
  const [bare = '', more = ''] = place.split('?');
  const parameters = new URLSearchParams(more);
  for (const [name, value] of Object.entries(access)) if (value !== undefined && !parameters.has(name)) parameters.set(name, value);
  return parameters.size > 0 ? `${bare}?${parameters}` : bare;
}

/** The same place without what is secret, for messages and for whoever asks which journal a core has. */
export function placeShown(place: string): string {
  const {hosts = [], application = ''} = parsePlace(place) ?? {};
  return `//${hosts.join(',')}/${application}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
