import http from 'node:http';
import net from 'node:net';

export interface Answer {
  readonly status: number;
  /** Lower-case name → every value. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: Buffer;
  /** The one value of a field; '' when absent. */
  field(name: string): string;
  text(): string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the function put there
  json(): any;
}

export interface Asked {
  readonly method?: string;
  /** A record, or name, value, name, value … for repeated fields. */
  readonly headers?: Record<string, string | string[]> | readonly string[];
  readonly body?: string | Buffer;
  /** Sends the body in chunks instead of declaring its length. */
  readonly chunked?: boolean;
  readonly agent?: http.Agent;
}

/** One request over a connection of its own, unless an agent is given. */
export function ask(url: string, {method = 'GET', headers = {}, body, chunked = false, agent}: Asked = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const {hostname, port} = new URL(url);
    const path = url.slice(new URL(url).origin.length) || '/'; // as written: URL would normalise it
    const fields = Array.isArray(headers)
      ? [...headers]
      : Object.entries(headers).flatMap(([name, value]) => [value].flat().flatMap(each => [name, each]));
    if (!fields.some((field, index) => index % 2 === 0 && field.toLowerCase() === 'host')) fields.push('Host', `${hostname}:${port}`);
    if (body !== undefined)
      fields.push(...(chunked ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', String(Buffer.byteLength(body))]));
    const request = http.request({hostname, port, path, method, headers: fields, agent: agent ?? false});
    request.once('error', reject);
    request.once('response', response => {
      const chunks: Buffer[] = [];
      response.on('data', chunk => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        // A refusal may come while the body is still being sent.
        if (!request.writableFinished) request.destroy();
        resolve(answer(response.statusCode ?? 0, response.rawHeaders, Buffer.concat(chunks)));
      });
    });
    request.end(body);
  });
}

function answer(status: number, rawHeaders: string[], body: Buffer): Answer {
  const headers = new Map<string, string[]>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), rawHeaders[index + 1] ?? '']);
  }
  return {
    status,
    headers,
    body,
    field: name => headers.get(name.toLowerCase())?.join(', ') ?? '',
    text: () => body.toString('utf8'),
    json: () => JSON.parse(body.toString('utf8')),
  };
}

/** The first piece of a reply. What comes behind it waits for whoever reads on. */
export function firstOf(reply: http.IncomingMessage): Promise<string> {
  return new Promise(resolve =>
    reply.once('data', chunk => {
      reply.pause();
      resolve(String(chunk));
    }),
  );
}

/** Sends bytes as they are and returns everything that comes back until the peer closes; the test's own time limit ends the wait. */
export function askRaw(url: string, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const {hostname, port} = new URL(url);
    const socket = net.connect(Number(port), hostname, () => socket.write(bytes));
    let received = '';
    socket.setEncoding('latin1');
    socket.on('data', chunk => {
      received += chunk;
    });
    socket.once('error', error => (received === '' ? reject(error) : undefined));
    socket.once('close', () => resolve(received));
  });
}
