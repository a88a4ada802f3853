/** Methods that have a name of their own in metrics and spans: callers may invent others without end. RFC 9110 §9.3, RFC 5789 */
export const knownMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT']);
