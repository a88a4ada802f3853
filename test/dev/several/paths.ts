import {rename} from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import {planPaths} from '../../../src/dev/several/paths.ts';
import {folderWith} from '../../helpers/folder.ts';

const files = {'api/handler.js': '', 'jobs/report.py': '', 'jobs/handler.py': '', 'web/index.js': '', 'x=y/handler.js': ''};

for (const [given, name, handler] of [
  ['api', 'api', 'api/handler.js'],
  ['api/', 'api', 'api/handler.js'],
  ['api/handler.js', 'api', 'api/handler.js'],
  ['./web', 'web', 'web/index.js'],
  ['jobs/report.py', 'report', 'jobs/report.py'],
  ['jobs/report', 'report', 'jobs/report.py'],
  ['orders=api', 'orders', 'api/handler.js'],
  ['z=x=y', 'z', 'x=y/handler.js'],
] as const) {
  test(`${given} is the function ${name}`, async t => {
    const folder = await folderWith(t, files);
    const [planned] = planPaths([given, 'jobs'], folder).functions;
    t.is(planned?.name, name);
    t.like(planned?.find(), {name, handlerPath: path.join(folder, handler), isBinary: false});
  });
}

test('a function that has gone meanwhile is a problem, and no error', async t => {
  const folder = await folderWith(t, files);
  const [planned] = planPaths(['api', 'jobs'], folder).functions;
  await rename(path.join(folder, 'api'), path.join(folder, 'gone'));
  t.regex(JSON.stringify(planned?.find()), /"problem":".*api.*does not exist/);
});

test('more functions than a machine runs are refused', t => {
  t.throws(
    () =>
      planPaths(
        Array.from({length: 51}, (_, at) => `f${at}`),
        '/',
      ),
    {message: 'expected at most 50 functions, got 51'},
  );
});
