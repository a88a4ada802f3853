import {nodeHttp} from '../http/node-http.ts';

export interface NamedCall {
  readonly host: string;
  readonly port: number;
  readonly bridgeToken: string;
  readonly invocationId: string;
  readonly body: string;
  readonly timeoutMs: number;
}

/** The call that a reply names in its `Core-Invocation-Id`; undefined when it names none. The core's client keeps this to itself. */
export async function namedCall({host, port, bridgeToken, invocationId, body, timeoutMs}: NamedCall): Promise<string | undefined> {
  const {promise, resolve, reject} = Promise.withResolvers<string | undefined>();
  const headers = {'Content-Type': 'application/json', 'Core-Invocation-Id': invocationId, 'Core-Bridge-Token': bridgeToken};
  const request = nodeHttp.request({host, port, method: 'POST', path: '/', headers, agent: false, timeout: timeoutMs}, response => {
    const {'core-invocation-id': named} = response.headers;
    response.on('error', reject).on('end', () => resolve(named === undefined ? undefined : String(named)));
    response.resume();
  });
  request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
  request.on('error', reject).end(body);
  return promise;
}
