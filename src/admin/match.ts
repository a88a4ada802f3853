import {Refusal, type Route} from '../route.ts';

export interface Match {
  readonly route: Route;
  /** The segment that stands for the `*` of the path; '' where the path has none. */
  readonly name: string;
}

/** The routes at a path, one for each method. */
export function routesAt(routes: readonly Route[], path: string): Match[] {
  return routes.flatMap(route => {
    const name = matchPath(route.path, path);
    return name === undefined ? [] : [{route, name}];
  });
}

/**
The route for a method; HEAD is a GET whose body is left out.

@throws Refusal NOT_FOUND, METHOD_NOT_ALLOWED
*/
export function pickMethod(matches: readonly Match[], method: string): Match {
  if (matches.length === 0) throw new Refusal('NOT_FOUND', 'there is nothing at this path');
  const found = matches.find(({route}) => route.method === method || (method === 'HEAD' && route.method === 'GET'));
  if (found) return found;
  const allowed = matches.map(({route}) => (route.method === 'GET' ? 'GET, HEAD' : route.method)).join(', ');
  throw new Refusal('METHOD_NOT_ALLOWED', `expected ${allowed}`, {headers: {Allow: allowed}});
}

/** The text that stands for the `*` of a pattern, '' when it has none; undefined when the path does not fit. */
function matchPath(pattern: string, path: string): string | undefined {
  if (pattern === path) return '';
  const [before = '', after] = pattern.split('*');
  if (after === undefined || !path.startsWith(before) || !path.endsWith(after)) return undefined;
  const name = path.slice(before.length, path.length - after.length);
  return path.length >= before.length + after.length && name !== '' && !name.includes('/') ? name : undefined;
}
