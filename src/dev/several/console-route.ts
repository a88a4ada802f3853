import {pathOf} from './route.ts';

/** What a request to the one console of several functions asks for. */
export type ConsoleRoute =
  /** Where a console is, as a relative address: the links of its page are relative, too. */
  | {readonly kind: 'elsewhere'; readonly location: string}
  /** The functions, as JSON. */
  | {readonly kind: 'list'}
  /** `path` and `target`: what the private listener of the function is asked for, without and with the query. */
  | {readonly kind: 'function'; readonly name: string; readonly path: string; readonly target: string}
  /** No function is called like that. */
  | {readonly kind: 'unknown'; readonly name: string};

/**
Finds whose private listener a request is for. `/functions/<name>/…` is that of a function; it stands below a path of its own, as a
function may be called `api` or `metrics`. Everything else is that of the first function, so that commands find one at this port.
Nothing is normalised: `..` and escapes name no function.

@param target as it stands in the request line
@param names of the functions
*/
export function consoleRouteOf(target: string, names: readonly string[]): ConsoleRoute {
  const whole = pathOf(target);
  const [path = '', query] = whole.split(/\?(.*)/s, 2);
  if (path === '/functions') return {kind: 'list'};
  const [, named, rest = ''] = /^\/functions\/([^/]*)(.*)$/s.exec(path) ?? [];
  const name = named ?? names[0];
  if (name === undefined || !names.includes(name)) return {kind: 'unknown', name: name ?? ''};
  if (named === undefined && path !== '/') return {kind: 'function', name, path, target: whole};
  if (named === undefined) return {kind: 'elsewhere', location: `functions/${name}/`};
  if (rest === '') return {kind: 'elsewhere', location: `${name}/`};
  return {kind: 'function', name, path: rest, target: query === undefined ? rest : `${rest}?${query}`};
}
