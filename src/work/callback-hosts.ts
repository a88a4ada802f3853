import {ConfigurationError} from '../errors.ts';
import {shown} from '../settings/setting.ts';

/** Where replies may be posted. */
export interface CallbackHosts {
  /** @param host in lower case, as URLs have it @param isPlain without TLS */
  allows(host: string, isPlain: boolean): boolean;
}

interface Entry {
  readonly host: string;
  readonly withSubdomainsOnly: boolean;
  readonly isPlain: boolean;
}

/**
Reads a list of hosts, separated by commas: `hooks.example.com`, or `*.example.com` for every host below example.com. They
are called over https; `http://hooks.internal.example` allows http for that host, too.

@returns undefined for an empty list: callbacks are off
@throws ConfigurationError
*/
export function readCallbackHosts(given: string): CallbackHosts | undefined {
  const texts = given.split(',').map(text => text.trim().toLowerCase());
  const entries = texts.filter(text => text !== '').map(readEntry);
  if (entries.length === 0) return undefined;
  return {
    allows: (host, isPlain) =>
      entries.some(
        entry => (entry.isPlain || !isPlain) && (entry.withSubdomainsOnly ? host.endsWith(`.${entry.host}`) : host === entry.host),
      ),
  };
}

function readEntry(text: string): Entry {
  const [, scheme, star, name = ''] = /^(https?:\/\/)?(\*\.)?(.*)$/s.exec(text) ?? [];
  const host = hostOf(name);
  if (host === undefined || (star !== undefined && !/[a-z]/.test(host))) {
    throw new ConfigurationError([`expected hosts such as hooks.example.com or *.example.com, without ports, got \`${shown(text)}\``]);
  }
  return {host, withSubdomainsOnly: star !== undefined, isPlain: scheme === 'http://'};
}

/** A host as URLs have it, such as a name in another script in ASCII. */
function hostOf(name: string): string | undefined {
  if (name === '' || /[/?#@*\s\\]|:\d*$/.test(name.replace(/^\[[^\]]*\]$/, '')) || !URL.canParse(`https://${name}/`)) return undefined;
  return new URL(`https://${name}/`).hostname;
}

/** Most characters of an address. */
const longestUrl = 2048;

/** @returns why replies are not posted to this address, as the end of a sentence; undefined when they may be */
export function refuseCallback(given: string, hosts: CallbackHosts | undefined): string | undefined {
  if (!hosts) return 'cannot be used: callbacks are off here, as CORE_CALLBACK_HOSTS names no host';
  const rule = `must be an https URL of at most ${longestUrl} characters without a user name, such as https://hooks.example.com/done`;
  if (given.length > longestUrl || !/^https?:\/\/[!-~]+$/i.test(given) || !URL.canParse(given)) return rule;
  const {protocol, hostname, username, password} = new URL(given);
  if (username !== '' || password !== '') return rule;
  if (hosts.allows(hostname, protocol === 'http:')) return undefined;
  if (hosts.allows(hostname, false)) return rule;
  return `names the host ${hostname}, to which replies are not posted: CORE_CALLBACK_HOSTS lists those that get them, such as hooks.example.com`;
}
