import {Refusal, type Route} from '../route.ts';

export interface Match {
  readonly route: Route;
  /** What the request has where the path has a name; '' where the path has none. */
  readonly name: string;
}

/**
One table of the core's routes and the triggers'.

@throws TypeError when a route can never be reached, as one before it answers its requests
*/
export function joinRoutes(own: readonly Route[], others: readonly Route[]): readonly Route[] {
  const joined: Route[] = [];
  for (const route of [...own, ...others]) {
    const {method, path} = route;
    const first = routesAt(joined, path).find(match => match.route.method === method);
    if (first) throw new TypeError(`Expected every route to be reached, but ${method} ${first.route.path} answers for ${method} ${path}`);
    joined.push(route);
  }
  return joined;
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

/** The text that stands where a pattern has a name, '' when it has none; undefined when the path does not fit. */
function matchPath(pattern: string, path: string): string | undefined {
  const [start, end] = [pattern.indexOf('<'), pattern.indexOf('>')];
  if (start < 0) return pattern === path ? '' : undefined;
  const [before, after] = [pattern.slice(0, start), pattern.slice(end + 1)];
  if (!path.startsWith(before) || !path.endsWith(after)) return undefined;
  const name = path.slice(before.length, path.length - after.length);
  const mayHaveSlash = pattern[end - 1] === '*';
  return path.length >= before.length + after.length && name !== '' && (mayHaveSlash || !name.includes('/')) ? name : undefined;
}
