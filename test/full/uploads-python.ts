import {projectFile} from '../helpers/core.ts';
import {uploadsSuite} from '../helpers/uploads-suite.ts';

const file = projectFile('test/fixtures/functions/core/uploads.py');

for (const [title, env] of [
  ['def, one call at a time', {CORE_WORKERS: '4'}],
  ['def in threads', {CORE_CONCURRENCY: '4'}],
  ['async def', {SCW_HANDLER_NAME: 'handle_async'}],
  ['WSGI', {SCW_HANDLER_NAME: 'wsgi', CORE_CONCURRENCY: '4'}],
  ['ASGI', {SCW_HANDLER_NAME: 'asgi'}],
] as const) {
  uploadsSuite({title: `python: ${title}`, env: {SCW_HANDLER_PATH: file, ...env}});
}
