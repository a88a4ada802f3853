import {systemClock} from '../clock.ts';
import {exit} from '../exit.ts';
import {nodeHttp} from '../http/node-http.ts';
import {settings} from '../settings/config.ts';
import {type Environment, parseSettings} from '../settings/setting.ts';
import {CommandFailed} from './failure.ts';

export interface CoreAnswer {
  readonly status: number;
  /** The JSON object that it sent; undefined when it sent anything else. */
  readonly body: Record<string, unknown> | undefined;
  /** All that it sent. */
  readonly text: string;
}

/** No core listens where the settings say. */
export class NoCore extends CommandFailed {
  constructor(message: string, options?: ErrorOptions) {
    super(exit.unavailable, message, options);
  }
}

export interface Question {
  readonly body?: string;
  /** The longest wait for the answer; by default it may take as long as the function does. */
  readonly waitMs?: number;
  /** The longest answer that is read, in characters. By default as long as it is. */
  readonly mostBytes?: number;
}

/**
Asks the private listener of the core that runs with these settings. It is on this machine, so no proxy is used.

@throws NoCore, ConfigurationError
*/
export async function askCore(
  env: Environment,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  {body, waitMs = 0, mostBytes = Number.POSITIVE_INFINITY}: Question = {},
): Promise<CoreAnswer> {
  const {adminHost, adminPort, adminToken} = parseSettings(
    {adminHost: settings.adminHost, adminPort: settings.adminPort, adminToken: settings.adminToken},
    env,
  );
  const host = {'0.0.0.0': '127.0.0.1', '::': '::1'}[adminHost] ?? adminHost;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${adminPort}`;
  const headers = adminToken === undefined ? {} : {Authorization: `Bearer ${adminToken}`};
  const {promise, resolve, reject} = Promise.withResolvers<CoreAnswer>();
  // With NODE_USE_ENV_PROXY the default agent would take a proxy from the environment; this one does not.
  const request = nodeHttp.request(`${url}${path}`, {method, headers, agent: new nodeHttp.Agent()}, response => {
    let text = '';
    response.setEncoding('utf8').on('data', chunk => {
      text += chunk;
      if (text.length > mostBytes) request.destroy(new Error(`its answer is longer than ${mostBytes} characters`));
    });
    response.on('end', () => resolve({status: response.statusCode ?? 0, body: parse(text), text}));
    response.on('error', refuse);
  });
  request.on('error', refuse).end(body);
  const stopTimer = waitMs === 0 ? () => {} : systemClock.after(waitMs, () => request.destroy(new Error(`no answer within ${waitMs} ms`)));
  return promise.finally(stopTimer);

  function refuse(error: Error): void {
    const why = 'code' in error ? String(error.code) : error.message;
    const advice = 'start one, or set CORE_ADMIN_HOST and CORE_ADMIN_PORT to where it listens';
    reject(new NoCore(`no core answers at ${url} (${why}): ${advice}`, {cause: error}));
  }
}

/** Why the core refused: every answer that is an error has a message. */
export function messageOf({error}: Record<string, unknown>): string | undefined {
  const message = typeof error === 'object' && error !== null && 'message' in error ? error.message : undefined;
  return typeof message === 'string' ? message : undefined;
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? {...value} : undefined;
  } catch {
    return undefined;
  }
}
