import test from 'ava';
import {startCore} from '../helpers/core.ts';
import {folderWith} from '../helpers/folder.ts';

const chatty = `
console.log('while it is loaded');
exports.trigger = {
  contract: 1,
  read: () => ({}),
  async open(_, {clock}) {
    const say = () => console.log('later: %s', 'two\\nlines', new Error('why'));
    let stop = clock.after(1, function again() {
      say();
      stop = clock.after(50, again);
    });
    return {async [Symbol.asyncDispose]() { stop(); }};
  },
};`;

test('what a package writes to the console is a record; before there is a log it goes to stderr', async t => {
  const folder = await folderWith(t, {'chatty.cjs': chatty, 'handler.js': 'exports.handle = () => {};'});
  const env = {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: `${folder}/handler.js`, SCW_HANDLER_NAME: 'handle'};
  const core = await startCore({...env, CORE_TRIGGERS: JSON.stringify([{type: `${folder}/chatty.cjs`, name: 'chatty'}])}, t);
  const {level, msg} = await core.logged(({source}) => source === 'console');
  t.is(level, 'info');
  t.regex(msg, /^later: two\nlines Error: why\n {4}at /);
  t.is(core.stderr().split('\n')[0], 'while it is loaded');
});
