import test from 'ava';
import {joinRoutes, routesAt} from '../../src/admin/match.ts';
import type {Route} from '../../src/route.ts';

const route = (path: string, method: Route['method'] = 'GET'): Route => ({method, path, doc: 'A test.', run: () => ({body: {}})});

test('a route that another answers for is refused, with both', t => {
  for (const [own, other, message] of [
    ['/api/a', '/api/a', 'Expected every route to be reached, but GET /api/a answers for GET /api/a'],
    ['/api/a/<id>', '/api/a/newest', 'Expected every route to be reached, but GET /api/a/<id> answers for GET /api/a/newest'],
    ['/api/a/<id>', '/api/a/<name>', 'Expected every route to be reached, but GET /api/a/<id> answers for GET /api/a/<name>'],
  ] as const) {
    t.throws(() => joinRoutes([route(own)], [route(other)]), {instanceOf: TypeError, message});
  }
});

test('routes of other methods and of other paths stand beside each other', t => {
  const own = [route('/api/a'), route('/api/a/<id>')];
  const others = [route('/api/a', 'POST'), route('/api/a/<id>/fire')];
  t.deepEqual(joinRoutes(own, others), [...own, ...others]);
});

test('a name stands for one segment that is not empty', t => {
  const names = (path: string) => routesAt([route('/api/a/<id>/fire')], path).map(({name}) => name);
  t.deepEqual(names('/api/a/b/fire'), ['b']);
  for (const path of ['/api/a//fire', '/api/a/b/c/fire', '/api/a/fire', '/api/a/b', '/api/a/b/fires']) t.deepEqual(names(path), [], path);
});
