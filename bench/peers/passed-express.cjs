// What people have behind a proxy: a small server with Express.
const express = require('express');

express()
  .get('/', (_request, response) => response.json({message: 'hello'}))
  .listen(process.env.PORT ?? process.env.SCW_UPSTREAM_PORT, '127.0.0.1')
  .setTimeout(0);
process.once('SIGTERM', () => process.exit());
