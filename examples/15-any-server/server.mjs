import http from 'node:http';

// An HTTP server that knows nothing of the core: it listens where PORT and HOST say.
const server = http.createServer(async (request, response) => {
  const {pathname, searchParams} = new URL(request.url, 'http://localhost');
  if (pathname === '/hello') {
    response.setHeader('Content-Type', 'text/plain; charset=utf-8');
    response.end(`Hello, ${searchParams.get('name') ?? 'you'}!\n`);
  } else if (pathname === '/count' && request.method === 'POST') {
    let bytes = 0;
    for await (const piece of request) bytes += piece.length; // of any size: nothing is held
    response.end(`${bytes} bytes\n`);
  } else if (pathname === '/clock') {
    response.writeHead(200, {'Content-Type': 'text/event-stream'});
    const timer = setInterval(() => response.write(`data: ${new Date().toISOString()}\n\n`), 1000);
    response.write('data: now\n\n');
    response.once('close', () => clearInterval(timer));
  } else {
    response.writeHead(404).end('There is nothing here\n');
  }
});

server.listen(process.env.PORT, process.env.HOST);
process.once('SIGTERM', () => server.close(() => process.exit()));
