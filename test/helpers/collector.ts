import http from 'node:http';
import http2 from 'node:http2';
import net, {type AddressInfo, type Server} from 'node:net';
import type {Teardown} from './core.ts';

/** A collector that takes connections and whatever is sent, and never answers. */
export function openSilent(t: Teardown): Promise<string> {
  const server = net.createServer(socket => {
    socket.on('error', () => {}); // the core breaks off when it stops
    socket.resume();
    t.teardown(async () => socket.destroy());
  });
  return listen(server, t);
}

/** A collector that answers with this status and takes nothing. */
export async function openUnwilling(t: Teardown, status: number) {
  const asked = Promise.withResolvers<void>();
  const server = http.createServer((request, response) => {
    request.resume();
    response.writeHead(status).end();
    asked.resolve();
  });
  return {endpoint: await listen(server, t), asked: asked.promise};
}

/** A collector that takes every export and says, in the form of the protocol, that it rejected this many of its spans. */
export function openRejecting(t: Teardown, spans: number): Promise<string> {
  const message = 'too old';
  const server = http.createServer((request, response) => {
    const isJson = request.headers['content-type'] === 'application/json';
    request.resume().on('end', () => {
      response.writeHead(200, {'Content-Type': String(request.headers['content-type'])});
      response.end(
        isJson ? JSON.stringify({partialSuccess: {rejectedSpans: String(spans), errorMessage: message}}) : partialSuccess(spans, message),
      );
    });
  });
  return listen(server, t);
}

/** The same over gRPC. */
export function openRejectingGrpc(t: Teardown, spans: number): Promise<string> {
  const server = http2.createServer();
  server.on('stream', (stream: http2.ServerHttp2Stream) => {
    stream.on('error', () => {}); // the core leaves
    stream.resume().on('end', () => {
      stream.respond({':status': 200, 'content-type': 'application/grpc'}, {waitForTrailers: true});
      stream.on('wantTrailers', () => stream.sendTrailers({'grpc-status': '0'}));
      const body = partialSuccess(spans, 'too old');
      const prefix = Buffer.alloc(5); // not compressed, and its length
      prefix.writeUInt32BE(body.length, 1);
      stream.end(Buffer.concat([prefix, body]));
    });
  });
  return listen(server, t);
}

/** ExportTraceServiceResponse in protobuf: {1: {1: spans, 2: message}}. */
function partialSuccess(spans: number, message: string): Buffer {
  const inner = Buffer.concat([Buffer.from([0x08, spans, 0x12, message.length]), Buffer.from(message)]);
  return Buffer.concat([Buffer.from([0x0a, inner.length]), inner]);
}

async function listen(server: Server, t: Teardown): Promise<string> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.teardown(async () => {
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // a TCP server has an AddressInfo
}
