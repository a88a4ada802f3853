import test from 'ava';
import {routeOf} from '../../../src/dev/several/route.ts';

const names = ['api', 'api-2', 'Jobs'];
const route = (target: string, host?: string, isAlone = false) => routeOf({host, target}, isAlone ? ['api'] : names, isAlone);

for (const [target, host, name] of [
  ['/nothing', 'localhost', 'nothing'],
  ['/jobs', 'localhost', 'jobs'],
  ['/%61pi', 'localhost', '%61pi'],
  ['/apis', 'localhost', 'apis'],
  ['//api', 'localhost', '//api'],
  ['*', 'localhost', '*'],
  ['/api', 'nothing.localhost:8080', 'nothing'],
] as const) {
  test(`${target} at ${host} is no function`, t => {
    t.deepEqual(route(target, host), {kind: 'unknown', name});
  });
}

for (const [target, host, expected] of [
  ['/', undefined, undefined],
  ['/?a=1', 'localhost:8080', undefined],
  ['http://localhost:8080', 'localhost:8080', undefined],
  ['/api', 'localhost:8080', ['api', '/']],
  ['/api/', undefined, ['api', '/']],
  ['/api?a=1', 'localhost', ['api', '/?a=1']],
  ['/api/x/y?a=1', '127.0.0.1:8080', ['api', '/x/y?a=1']],
  ['/api//x', 'localhost', ['api', '//x']],
  ['/api-2/x', 'localhost', ['api-2', '/x']],
  ['/api/api', 'localhost', ['api', '/api']],
  ['http://localhost:8080/api/x', 'localhost:8080', ['api', '/x']],
  ['/x?a=1', 'api.localhost:8080', ['api', '/x?a=1']],
  ['/api/x', 'api.localhost', ['api', '/api/x']],
  ['/', 'API.LOCALHOST.:8080', ['api', '/']],
  ['/', 'jobs.localhost', ['Jobs', '/']],
  ['*', 'api.localhost', ['api', '*']],
  ['/api', 'api.localhost.example', ['api', '/']],
  ['/api', 'www.api.localhost', ['api', '/']],
] as const) {
  test(`${target} at ${host} goes to ${expected?.join(' as ') ?? 'the list'}`, t => {
    t.deepEqual(route(target, host), expected ? {kind: 'function', name: expected[0], target: expected[1]} : {kind: 'list'});
  });
}

test('a function that is alone gets what names none', t => {
  t.deepEqual(route('/', 'localhost', true), {kind: 'function', name: 'api', target: '/'});
  t.deepEqual(route('/other?a=1', 'localhost', true), {kind: 'function', name: 'api', target: '/other?a=1'});
  t.deepEqual(route('/api/x', 'localhost', true), {kind: 'function', name: 'api', target: '/x'});
});
