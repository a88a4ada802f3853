import type {Agent} from 'node:http';
import https from 'node:https';
import type {Clock} from '../../clock.ts';
import type {Environment} from '../../settings/setting.ts';
import {nodeHttp} from '../node-http.ts';
import {outboundHttp} from '../outbound.ts';

/** Longest time of a fetch, from the first attempt to the last byte of the second, with name look-ups, proxies and slow bytes. */
const longestFetchMs = 5000;
/** More bytes than any key set has. */
const longestSet = 2 ** 20;

const proxyNames = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'NO_PROXY', 'no_proxy'];

/**
Fetches a key set through the proxy that the environment names, and returns its list of keys as it came.

The returned function rejects with an Error that says why, at the latest after 5 s.
@see Node's documentation of `http.Agent`, option `proxyEnv`, for what NO_PROXY may say
*/
export function keySetFetcher(url: string, env: Environment, clock: Clock): () => Promise<readonly unknown[]> {
  let agent: {http: Agent; https: https.Agent} | undefined;
  return async function fetchListed() {
    const got = await outboundHttp();
    const given = new AbortController();
    const stop = clock.after(longestFetchMs, () => given.abort(new Error(`it was not there within ${longestFetchMs / 1000} s`)));
    try {
      agent ??= openAgents(env); // here, as it throws when the environment names a proxy that cannot be one
      const request = got<unknown>(url, {
        agent,
        responseType: 'json',
        retry: {limit: 1, backoffLimit: 250, maxRetryAfter: 250},
        headers: {accept: 'application/json'},
        signal: given.signal,
      });
      void request.on(
        'downloadProgress',
        ({transferred}) => transferred > longestSet && given.abort(new Error(`the answer has more than ${longestSet} bytes`)),
      );
      const {statusCode, body} = await request;
      if (statusCode !== 200) throw new Error(`the answer has status ${statusCode}`);
      return listOf(body);
    } catch (error) {
      const {message} = (given.signal.aborted ? given.signal.reason : error) as Error; // nothing else is thrown here
      throw new Error(withoutPasswords(message));
    } finally {
      stop();
    }
  };
}

/** A proxy's address may hold a password, and errors name the proxy. */
const withoutPasswords = (message: string) => message.replaceAll(/\/\/[^\s/]*@/g, '//');

function openAgents(env: Environment): {http: Agent; https: https.Agent} {
  const proxyEnv = Object.fromEntries(proxyNames.map(name => [name, env[name]]));
  return {http: new nodeHttp.Agent({proxyEnv}), https: new https.Agent({proxyEnv})};
}

function listOf(body: unknown): readonly unknown[] {
  const listed = typeof body === 'object' && body !== null && 'keys' in body ? body.keys : undefined;
  if (!Array.isArray(listed)) throw new TypeError('the answer is not a key set: `keys` is not a list');
  return listed;
}
