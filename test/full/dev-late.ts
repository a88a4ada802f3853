import test from 'ava';
import {startFront} from '../helpers/dev.ts';
import {folderWith} from '../helpers/folder.ts';
import {ask} from '../helpers/request.ts';

test('a function that does not finish its start keeps neither the others nor the end of dev waiting', async t => {
  const files = {'hangs/handler.js': 'while (true);', 'api/handler.js': "exports.handle = async () => 'served';"};
  const dev = await startFront(['api', 'hangs'], await folderWith(t, files), t);
  await dev.printed(/Still starting, while the others serve: hangs\. /);
  t.is((await ask(`${dev.url}/api`)).text(), 'served');
  t.is(await dev.stop(), 0);
});

test('a function that starts late is said to have started', async t => {
  const late = `const until = Date.now() + 13_000;
while (Date.now() < until);
exports.handle = async () => 'late';`;
  const dev = await startFront(
    ['api', 'late'],
    await folderWith(t, {'late/handler.js': late, 'api/handler.js': 'exports.handle = async () => 1;'}),
    t,
  );
  await dev.printed(/late has started: http:\S+\/late/);
  t.is((await ask(`${dev.url}/late`)).text(), 'late');
});
