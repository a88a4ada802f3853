// An app of Express, which serverless-http makes a function of.

import express from 'express';
import serverless from 'serverless-http';

const app = express();
app.get('/', (request, response) => response.cookie('a', '1').cookie('b', '2').send(`Hello, ${request.query.name}!`));
app.post('/echo', express.raw({type: '*/*'}), (request, response) =>
  response.status(201).type('application/octet-stream').send(request.body),
);

export const handler = serverless(app, {binary: true});
