import test from 'ava';
import {listPage} from '../../../src/dev/several/list.ts';

const functions = [
  {
    name: 'api',
    url: 'http://localhost:8080/api',
    state: 'serving',
    runtime: 'Node.js 26.10.0',
    console: 'http://127.0.0.1:8090/functions/api',
  },
  {
    name: 'orders',
    url: 'http://localhost:8080/orders',
    state: 'absent',
    console: 'http://127.0.0.1:8090/functions/orders',
    problem: 'no <file>\n& more',
  },
] as const;

test('a terminal gets a line for each function', t => {
  const {type, body} = listPage(functions, '*/*');
  t.is(type, 'text/plain; charset=utf-8');
  t.is(
    body,
    'api     http://localhost:8080/api     Node.js 26.10.0\norders  http://localhost:8080/orders  was not found: no <file> & more\n',
  );
});

test('a program gets JSON', t => {
  const {type, body} = listPage(functions, 'application/json');
  t.is(type, 'application/json');
  t.deepEqual(JSON.parse(body), {functions});
});

test('a browser gets a page with links, in which nothing is obeyed', t => {
  const {type, body} = listPage(functions, 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8');
  t.is(type, 'text/html; charset=utf-8');
  t.true(body.includes('<a href="http://localhost:8080/api/">api</a>'));
  t.true(body.includes('<a href="http://127.0.0.1:8090/functions/api">'));
  t.false(body.includes('<file>'));
});
