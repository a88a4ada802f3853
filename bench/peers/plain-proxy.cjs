// The least that a proxy in Node does: both ends of node:http, joined by pipes. No limits, no authentication, no deadlines.
const http = require('node:http');

const agent = new http.Agent({keepAlive: true});
const {PORT, UPSTREAM_PORT: port} = process.env;
http
  .createServer((request, response) => {
    const {method, url: path, rawHeaders: headers} = request;
    const passed = http.request({agent, host: '127.0.0.1', port, method, path, headers}, answer => {
      response.writeHead(answer.statusCode, answer.rawHeaders);
      answer.pipe(response);
    });
    request.pipe(passed);
  })
  .listen(PORT, '127.0.0.1');
