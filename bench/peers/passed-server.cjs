// The server that is measured behind proxies: short answers, long answers, long bodies, and streams that stay open.
const http = require('node:http');

const piece = Buffer.alloc(64 * 1024);

const paths = {
  '/long': (request, response) => {
    let left = Number(request.headers['x-bytes']);
    const write = () => {
      while (left > 0) {
        left -= piece.length;
        if (!response.write(piece)) return response.once('drain', write);
      }
      response.end();
    };
    write();
  },
  '/sink': (request, response) => {
    let bytes = 0;
    request.on('data', chunk => {
      bytes += chunk.length;
    });
    request.on('end', () => response.end(String(bytes)));
  },
  '/events': (_request, response) => {
    response.writeHead(200, {'Content-Type': 'text/event-stream'});
    response.write('data: 0\n\n');
  },
};

const server = http.createServer((request, response) => {
  const serve = paths[request.url];
  if (serve) return serve(request, response);
  request.resume();
  response.writeHead(200, {'Content-Type': 'text/plain', 'Content-Length': 5});
  response.end('hello');
});
server.keepAliveTimeout = 60_000;
server.listen(process.env.PORT ?? process.env.SCW_UPSTREAM_PORT, '127.0.0.1');
process.once('SIGTERM', () => process.exit());
