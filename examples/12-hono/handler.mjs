import {Hono} from 'hono';
import {streamText} from 'hono/streaming';

const app = new Hono();

app.get('/', c => c.text(`Hello, ${c.req.query('name') ?? 'stranger'}!`));
app.get('/users/:id', c => c.json({id: c.req.param('id'), ip: c.executionCtx.requestContext.identity.sourceIp}));
app.post('/echo', async c => c.body(await c.req.arrayBuffer(), 200, {'Content-Type': c.req.header('Content-Type') ?? 'text/plain'}));
app.get('/words', c =>
  streamText(c, async stream => {
    for (const word of ['one ', 'two ', 'three']) await stream.write(word);
  }),
);

export default app;
