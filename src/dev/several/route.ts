/** Where a request goes. */
export type Route =
  /** `target`: what the function sees as the target of the request. */
  | {readonly kind: 'function'; readonly name: string; readonly target: string}
  | {readonly kind: 'list'}
  /** No function is called like that. */
  | {readonly kind: 'unknown'; readonly name: string};

export interface RouteRequest {
  /** The field Host; undefined when it is absent. */
  readonly host: string | undefined;
  /** As it stands in the request line: a path with its query, or a URL. */
  readonly target: string;
}

/**
Finds the function that a request is for: by its host, `<name>.localhost`, or by the first part of its path, which is removed
as a gateway does. A function that is alone also gets everything that names no function.

@param names of the functions; no two of them differ in case only
*/
export function routeOf({host, target}: RouteRequest, names: readonly string[], isAlone: boolean): Route {
  const path = pathOf(target);
  const label = labelOf(host);
  if (label !== undefined) {
    const named = names.find(name => name.toLowerCase() === label);
    return named === undefined ? {kind: 'unknown', name: label} : {kind: 'function', name: named, target: path};
  }
  const [, first = ''] = /^\/([^/?]*)/.exec(path) ?? [];
  if (names.includes(first)) {
    const rest = path.slice(1 + first.length);
    return {kind: 'function', name: first, target: rest.startsWith('/') ? rest : `/${rest}`};
  }
  const [only] = names;
  if (isAlone && only !== undefined) return {kind: 'function', name: only, target: path};
  return /^\/(?:\?|$)/.test(path) ? {kind: 'list'} : {kind: 'unknown', name: first || path};
}

/** The path and query of a target that may be a whole URL, as a proxy gets it. */
export function pathOf(target: string): string {
  const [, rest] = /^https?:\/\/[^/?#]*(.*)$/is.exec(target) ?? [];
  if (rest === undefined) return target;
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** `name` of `name.localhost:8080`. */
const labelOf = (host: string | undefined) => /^([^.]+)\.localhost\.?(?::\d*)?$/i.exec(host ?? '')?.[1]?.toLowerCase();
