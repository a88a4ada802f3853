import test from 'ava';
import {linkTo, placeOf} from '../../src/console/route.js';

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
