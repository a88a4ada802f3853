import express from 'express';

// An app of Express that knows nothing of the core: it listens where PORT and HOST say.
const app = express();
app.get('/hello', (request, response) => response.type('text/plain').send(`Hello, ${request.query.name ?? 'you'}!\n`));
app.post('/count', express.raw({type: () => true, limit: '50mb'}), (request, response) => response.send(`${request.body.length} bytes\n`));

const server = app.listen(process.env.PORT, process.env.HOST);
process.once('SIGTERM', () => server.close(() => process.exit()));
