import {projectFile} from '../helpers/core.ts';
import {streamsSuite} from '../helpers/streams-suite.ts';

const file = projectFile('test/fixtures/functions/core/streams.py');

streamsSuite({
  title: 'python: def in threads',
  env: () => ({SCW_HANDLER_PATH: file, CORE_CONCURRENCY: '4'}),
  several: true,
  wrong: 'broken off',
});
streamsSuite({
  title: 'python: async def that returns generators',
  env: () => ({SCW_HANDLER_PATH: file, SCW_HANDLER_NAME: 'handle_threads'}),
  several: true,
  wrong: 'broken off',
});
streamsSuite({title: 'python: WSGI', env: () => ({SCW_HANDLER_PATH: file, SCW_HANDLER_NAME: 'wsgi'}), wrong: undefined});
streamsSuite({
  title: 'python: ASGI',
  env: () => ({SCW_HANDLER_PATH: file, SCW_HANDLER_NAME: 'asgi'}),
  several: true,
  wrong: undefined,
});
