import {nodeHttp} from '../../http/node-http.ts';
import type {Ended, Sent} from '../../observation.ts';
import {type Difference, differences, fieldsOf, type Outcome} from '../../replay/compare.ts';
import {writeJson} from '../../replay/json.ts';
import {cut} from './call-line.ts';

/** Fields that belong to one connection, or to one call. */
const perCall = new Set(['connection', 'content-length', 'core-invocation-id', 'date', 'expect', 'keep-alive', 'transfer-encoding']);
/** A function may answer with more than anybody compares. */
const mostBytes = 16 * 2 ** 20;
const mostShown = 5;
const longestValue = 60;

type Exchange = NonNullable<Ended['exchange']>;

/**
Sends a request once more to the function, and compares the answers.

@returns what differs, in words, the gravest first; empty when the answers are the same
@throws Error when the function cannot be reached, or answers with more than 16 MiB
*/
export async function sendAgain(url: string, {request, reply}: Exchange): Promise<string[]> {
  const again = await send(new URL(url), request);
  const {body} = reply;
  const before = {status: reply.status, headers: compared(reply.headers), body: request.method === 'HEAD' ? nothing : Buffer.from(body)};
  const found = differences(before, again);
  const more = found.length > mostShown ? [`… and ${found.length - mostShown} more`] : [];
  return [...found.slice(0, mostShown).map(inWords), ...more];
}

const nothing = Buffer.alloc(0);

function send(url: URL, {method, path, query, headers, body}: Sent): Promise<Outcome> {
  const prefix = url.pathname.replace(/\/$/, '');
  const target = `${prefix}${path.split('/').map(encodeURIComponent).join('/')}${query === '' ? '' : `?${query}`}`;
  // Where several functions share a port, the host may choose one of them, too.
  const left = new Set([...perCall, ...(prefix === '' ? [] : ['host'])]);
  const sent = [...without(headers, left), 'Content-Length', String(body.length)];
  const host = fieldsOf(sent).has('host') ? [] : ['Host', url.host];
  const {promise, resolve, reject} = Promise.withResolvers<Outcome>();
  const options = {method, path: target, host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port, headers: [...host, ...sent]};
  // The default agent might take a proxy from the environment, or keep the connection open.
  const request = nodeHttp.request({...options, agent: new nodeHttp.Agent()}, response => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > mostBytes) request.destroy(new Error('the reply is longer than 16 MiB'));
      else chunks.push(chunk);
    });
    response.on('error', reject);
    response.on('end', () =>
      resolve({status: response.statusCode ?? 0, headers: compared(response.rawHeaders), body: Buffer.concat(chunks)}),
    );
  });
  request.on('error', reject).end(body);
  return promise;
}

const compared = (headers: readonly string[]) => without(headers, perCall);

/** Name, value, name, value … without some names. */
function without(headers: readonly string[], names: ReadonlySet<string>): string[] {
  return headers.filter((_, at) => !names.has((headers[at - (at % 2)] ?? '').toLowerCase()));
}

function inWords({aspect, path, expected, actual}: Difference): string {
  const place = aspect === 'headers' ? `header ${path}` : `${aspect}${path === '' ? '' : ` ${path}`}`;
  return `${place}: ${valueText(aspect, expected)} → ${valueText(aspect, actual)}`;
}

/** As JSON where it is of a JSON body; a status and a header as they are. */
function valueText(aspect: Difference['aspect'], value: Difference['actual']): string {
  if (value === undefined) return 'nothing';
  if (aspect === 'body') return cut(writeJson(value), longestValue);
  return cut(Array.isArray(value) ? value.join(', ') : String(value), longestValue);
}
