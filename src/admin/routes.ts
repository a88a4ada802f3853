import type Koa from 'koa';
import {Refusal} from './refusal.ts';

/** A request that a route was found for. */
export interface Call {
  readonly ctx: Koa.Context;
  /** What stands in the path where the route has a `*`; '' where it has none. */
  readonly name: string;
  readonly query: URLSearchParams;
}

/** One thing that the private listener does. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** Of the segments one may be `*`, which stands for any. */
  readonly path: string;
  run(call: Call): Promise<void> | void;
}

/**
The route for a request; HEAD is a GET whose body is left out.

@throws Refusal NOT_FOUND, METHOD_NOT_ALLOWED
*/
export function findRoute(routes: readonly Route[], method: string, path: string): {route: Route; name: string} {
  const known = routes.flatMap(route => {
    const name = matchPath(route.path, path);
    return name === undefined ? [] : [{route, name}];
  });
  if (known.length === 0) throw new Refusal('NOT_FOUND', 'there is nothing at this path');
  const found = known.find(({route}) => route.method === method || (method === 'HEAD' && route.method === 'GET'));
  if (found) return found;
  const allowed = known.map(({route}) => (route.method === 'GET' ? 'GET, HEAD' : route.method)).join(', ');
  throw new Refusal('METHOD_NOT_ALLOWED', `expected ${allowed}`, {headers: {Allow: allowed}});
}

/** What stands for the `*` of a pattern, '' when it has none; undefined when the path is another. */
function matchPath(pattern: string, path: string): string | undefined {
  if (pattern === path) return '';
  const [before = '', after] = pattern.split('*');
  if (after === undefined || !path.startsWith(before) || !path.endsWith(after)) return undefined;
  const name = path.slice(before.length, path.length - after.length);
  return path.length >= before.length + after.length && name !== '' && !name.includes('/') ? name : undefined;
}
