import test from 'ava';
import {joinSettings} from '../../src/settings/config.ts';
import {triggers} from '../../triggers/index.ts';
import {openPrivate} from '../helpers/admin.ts';
import {ask} from '../helpers/request.ts';

const path = '/api/settings';

test('without the token nobody sees a setting', async t => {
  const {url} = await openPrivate(t, {token: 'secret'});
  t.is((await ask(url + path)).status, 403);
});

test('every setting is shown with its value and where that is from, and no secret is', async t => {
  const env = {
    SCW_HANDLER_PATH: '/srv/handler.js',
    SCW_PUBLIC: 'TRUE',
    CORE_ADMIN_TOKEN: 'secret-token',
    CORE_JWKS_URL: 'https://user:secret-password@keys.example/a',
    CORE_JOURNAL: 'memory:',
    SECRET_OF_THE_FUNCTION: 'secret-of-function',
  };
  const sources = {CORE_JOURNAL: 'env-file', CORE_WORKERS: 'command'} as const;
  const {url} = await openPrivate(t, {settings: {table: joinSettings(triggers), env, sources, warnings: ['SCW_PUBLIC is doubtful']}});
  const answer = await ask(url + path);
  t.notRegex(answer.text(), /secret-/);
  t.is(answer.field('cache-control'), 'no-store');
  const {settings, warnings} = answer.json();
  const shown = new Map(settings.map((each: {name: string}) => [each.name, each]));
  t.like(shown.get('SCW_HANDLER_PATH'), {value: '/srv/handler.js', source: 'environment', title: 'Start with these five'});
  t.like(shown.get('SCW_PUBLIC'), {value: 'false', source: 'environment'});
  t.like(shown.get('CORE_ADMIN_TOKEN'), {value: '(hidden)', source: 'environment'});
  t.like(shown.get('CORE_JWKS_URL'), {value: 'https://(hidden)@keys.example/a'});
  t.like(shown.get('CORE_JOURNAL'), {value: 'memory:', source: 'env-file'});
  t.like(shown.get('CORE_WORKERS'), {value: '1', source: 'default'}, 'a source without a value');
  t.like(shown.get('CORE_CONCURRENCY'), {value: null, source: 'unset'});
  t.true(shown.has('CORE_SCHEDULES'));
  t.deepEqual(warnings, ['SCW_PUBLIC is doubtful']);
});
