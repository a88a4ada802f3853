import {projectFile} from '../helpers/core.ts';
import {streamsSuite} from '../helpers/streams-suite.ts';

streamsSuite({
  title: 'node',
  env: () => ({SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/streams.mjs')}),
  several: true,
  aborts: true,
  wrong: 500,
});
