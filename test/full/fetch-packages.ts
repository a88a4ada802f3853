import {cp} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {projectFile, startCore} from '../helpers/core.ts';
import {folderWith} from '../helpers/folder.ts';
import {npmInstalls} from '../helpers/npm.ts';
import {ask} from '../helpers/request.ts';

/* Apps of packages whose default export has a `fetch`, as npm installs them. */

const packages = {h3: '2.0.8', 'itty-router': '5.0.24', elysia: '1.4.30'};

const apps: Readonly<Record<keyof typeof packages, string>> = {
  h3: `import {H3} from 'h3';
    export default new H3()
      .get('/', event => \`Hello, \${event.url.searchParams.get('name')}!\`)
      .post('/echo', async event => new Response(await event.req.text(), {status: 201}));`,
  'itty-router': `import {AutoRouter} from 'itty-router';
    export default AutoRouter()
      .get('/', ({query}) => new Response(\`Hello, \${query.name}!\`))
      .post('/echo', async request => new Response(await request.text(), {status: 201}));`,
  elysia: `import {Elysia} from 'elysia';
    export default new Elysia()
      .get('/', ({query}) => \`Hello, \${query.name}!\`)
      .post('/echo', async ({request}) => new Response(await request.text(), {status: 201}), {parse: 'none'});`,
};

test('12-hono greets, reads bodies and streams', async t => {
  const folder = await folderWith(t, {});
  await cp(projectFile('examples/12-hono'), folder, {recursive: true});
  if (!(await npmInstalls(t, folder))) return;
  const core = await startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: join(folder, 'handler.mjs')}, t);
  t.is((await ask(`${core.url}/?name=Ada`)).text(), 'Hello, Ada!');
  t.deepEqual((await ask(`${core.url}/users/7`)).json(), {id: '7', ip: '127.0.0.1'});
  const body = Buffer.of(0, 255, 128);
  t.true((await ask(`${core.url}/echo`, {method: 'POST', body})).body.equals(body));
  t.is((await ask(`${core.url}/words`)).text(), 'one two three');
  t.is((await ask(`${core.url}/nowhere`)).status, 404);
  t.is((await ask(`${core.url}/`, {method: 'HEAD'})).status, 200);
  t.is(await core.stop(), 0);
});

test('apps of h3, itty-router and Elysia are functions as they stand', async t => {
  const folder = await folderWith(t, {
    'package.json': JSON.stringify({type: 'module', private: true, dependencies: packages}),
    ...Object.fromEntries(Object.entries(apps).map(([name, text]) => [`${name}.mjs`, text])),
  });
  if (!(await npmInstalls(t, folder))) return;
  for (const name of Object.keys(apps)) {
    const core = await startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: join(folder, `${name}.mjs`)}, t);
    t.is((await ask(`${core.url}/?name=Ada`)).text(), 'Hello, Ada!', name);
    const echo = await ask(`${core.url}/echo`, {method: 'POST', body: 'hé'});
    t.deepEqual([echo.status, echo.text()], [201, 'hé'], name);
    t.is((await ask(`${core.url}/nowhere`)).status, 404, name);
    t.is(await core.stop(), 0);
  }
});
