import test from 'ava';
import {folderOf, functionIn, linkTo, placeOf} from '../../src/console/route.js';

test('a console that stands alone is that of no function', t => {
  for (const path of ['/', '/functions', '/functions/', '/functions/api', '/functions/api/x', '/api/'])
    t.is(functionIn(path), undefined, path);
  t.is(functionIn('/functions/api/'), 'api');
  t.is(functionIn('/proxied/functions/api-2/'), 'api-2');
});

test('the folder of a page has a slash at both ends', t => {
  t.is(folderOf('/'), '/');
  t.is(folderOf('/functions/api/'), '/functions/api/');
  t.is(folderOf('/proxied/index.html'), '/proxied/');
});

test('an address that is no address leads to the first view', t => {
  for (const hash of ['', '#', '#/', '#?', '#/?status=failed']) t.is(placeOf(hash).view, 'now', hash);
  t.is(placeOf('#/invocations/%').name, '%');
});

test('a link leads to the place that it was made for', t => {
  const link = linkTo('invocations', 'a/b?c', {status: 'failed', path: '/x&y=#', id: ''});
  const {view, name, query} = placeOf(link);
  t.is(view, 'invocations');
  t.is(name, 'a/b?c');
  t.deepEqual(
    [...query],
    [
      ['status', 'failed'],
      ['path', '/x&y=#'],
    ],
  );
});
