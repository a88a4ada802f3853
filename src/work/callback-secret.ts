import {ConfigurationError} from '../errors.ts';

/** Bytes of a key that Standard Webhooks allows. */
const fewestBytes = 24;
const mostBytes = 64;

/**
Reads the keys that sign callbacks: `whsec_` and the key in base64, as Standard Webhooks writes it. While a key is changed there
may be several, separated by spaces: each signs.

@throws ConfigurationError without any of the text
*/
export function readCallbackSecret(given: string): readonly Buffer[] {
  return given.trim().split(/\s+/).map(readKey);
}

function readKey(text: string): Buffer {
  const [, encoded] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
  const key = Buffer.from(encoded ?? '', 'base64');
  const isWhole = key.toString('base64').replaceAll('=', '') === encoded?.replaceAll('=', '');
  if (encoded === undefined || !isWhole || key.length < fewestBytes || key.length > mostBytes) {
    const how = 'echo "whsec_$(openssl rand -base64 32)"';
    throw new ConfigurationError([`expected whsec_ and ${fewestBytes} to ${mostBytes} bytes in base64, as \`${how}\` makes it`]);
  }
  return key;
}
