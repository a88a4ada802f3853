import test from 'ava';
import {projectFile, runCli} from '../helpers/core.ts';
import {linesOf, newJournal, record, replay, serve} from '../helpers/replay.ts';
import {ask} from '../helpers/request.ts';

test('the function learns that it is a replay, with the recorded id and form', async t => {
  const file = await newJournal(t);
  const core = await serve(t, file);
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const [id = ''] = await record(core, ['do=context'], {headers: {traceparent}});
  await core.stop();
  const [line] = linesOf(await replay(file, [id, '--json']));
  t.deepEqual(
    line.differences.filter(({meaning}: {meaning: string}) => meaning === 'changed'),
    [{aspect: 'body', path: '/replay', meaning: 'changed', expected: 'false', actual: 'true'}],
  );
  t.deepEqual(line.noise, ['body /trace/traceparent']);

  // Where nobody says which code is of now, it is what was served last.
  const unnamed = await runCli(['replay', id, '--journal', file]);
  t.is(unnamed.code, 1, unnamed.stderr);
  t.regex(unnamed.stdout, /1 invocation: test\/fixtures\/functions\/replay\/orders\.cjs \(sha256 [0-9a-f]{12}\) against what was recorded/);
});

test('a schedule’s occurrence is run again with its schedule', async t => {
  const file = await newJournal(t);
  const schedules = JSON.stringify([{name: 'nightly', cron: '0 0 1 1 *', input: {task: 'sweep'}}]);
  const env = {SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/scheduled.cjs'), CORE_SCHEDULES: schedules};
  const core = await serve(t, file, env);
  const fired = (await ask(`${core.adminUrl}/api/schedules/nightly/fire`, {method: 'POST'})).json();
  await core.stop();
  const ended = await replay(file, [fired.invocationId], env);
  t.is(ended.code, 0, ended.stdout + ended.stderr);
  t.regex(ended.stdout, /cron nightly +200 +200 +same/);
});
