import {projectFile} from '../helpers/core.ts';
import {streamsSuite} from '../helpers/streams-suite.ts';

// What runs generators in threads is tested in the long suite.

const file = projectFile('test/fixtures/functions/core/streams.py');

streamsSuite({title: 'python: def', env: () => ({SCW_HANDLER_PATH: file}), wrong: 'broken off'});
streamsSuite({
  title: 'python: async def',
  env: () => ({SCW_HANDLER_PATH: file, SCW_HANDLER_NAME: 'handle_async'}),
  several: true,
  wrong: 500,
});
