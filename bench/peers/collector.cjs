// A collector that takes every span and keeps none: in a process of its own, so that it takes nothing from the load generator.
const http = require('node:http');

http
  .createServer((request, response) => request.resume().on('end', () => response.end('{}')))
  .listen(Number(process.env.PORT), '127.0.0.1');
