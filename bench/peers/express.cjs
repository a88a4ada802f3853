// The protocol as a sub-runtime in Node is usually written: Express and body-parser.
const bodyParser = require('body-parser');
const express = require('express');

const handle = require(process.env.SCW_HANDLER_PATH)[process.env.SCW_HANDLER_NAME];

express()
  .use(bodyParser.json({limit: '64mb'}))
  .post('/', async (request, response) => {
    const {event, context} = request.body;
    response.json(await handle(event, context));
  })
  .listen(Number(process.env.SCW_UPSTREAM_PORT), '127.0.0.1');
