// A server that reads nothing of the call: what Node's HTTP alone allows.
const http = require('node:http');

const reply = '{"statusCode":201,"body":{"message":"Executed properly"}}';
const headers = {'Content-Type': 'application/json', 'Content-Length': reply.length};

http
  .createServer((request, response) => request.resume().on('end', () => response.writeHead(200, headers).end(reply)))
  .listen(Number(process.env.SCW_UPSTREAM_PORT), '127.0.0.1');
