import type {Described, Route} from '../../route.ts';
import {version} from '../../version.ts';
import {count, object, type Schema, text} from './schema.ts';

const work = '(waiting|behind|running|dead)';
/** What the placeholders of the queries stand for. */
const placeholders: Readonly<Record<string, Schema>> = {
  position: count,
  count: {type: 'integer', minimum: 1},
  duration: {type: 'string', pattern: '^(0|\\d{1,9}(\\.\\d{1,3})?(ms|s|m|h))$', examples: ['15m']},
  time: {type: 'string', format: 'date-time'},
  status: {type: 'string', enum: ['running', 'responded', 'failed', 'cancelled', 'expired', 'dead-lettered']},
  work: {type: 'string', pattern: `^${work}(,${work})*$`, examples: ['waiting,behind,running']},
  window: {type: 'string', enum: ['1h', '1m']},
};

const error = object({error: object({code: text, message: text})});

/** The description of every route, from the table that serves them. @see https://spec.openapis.org/oas/v3.1.1 */
export async function writeOpenApi(routes: readonly Route[]): Promise<object> {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/<(\w+)\*?>/g, '{$1}');
    paths[path] = {...paths[path], [route.method.toLowerCase()]: operationOf(route, (await route.described?.()) ?? {})};
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'core-runtime, the private listener',
      version,
      description: 'What a core does and did, and what can be asked of it. Every error is answered as `{"error": {"code", "message"}}`.',
      license: {name: 'MIT', identifier: 'MIT'},
    },
    servers: [{url: '/'}],
    paths,
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'CORE_ADMIN_TOKEN. Where it is not set, callers on the same machine need none.',
        },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'core_console_8090',
          description: 'What `POST /api/session` sets. Its name ends with the port.',
        },
      },
      schemas: {Error: error},
    },
  };
}

function operationOf({method, path, query = '', doc, open}: Route, described: Described): object {
  const {status = 200, type = 'application/json', answer, also = {}, events = false, body} = described;
  const content = {...(answer && {[type]: {schema: answer}}), ...(events && {'text/event-stream': {schema: text}})};
  const others = Object.entries(also).map(([other, schema]) => [other, {description: 'See `description`.', content: {[type]: {schema}}}]);
  return {
    operationId: idOf(method, path),
    summary: doc.split('. ', 1)[0]?.replace(/[.:]$/, ''),
    description: doc,
    // Where no token is set, none is needed.
    security: open ? [] : [{token: []}, {session: []}, {}],
    parameters: [...namesOf(path).map(inPath), ...new URLSearchParams(query).entries().map(inQuery)],
    ...(body && {requestBody: {required: true, content: {'application/json': {schema: body}}}}),
    responses: {
      [status]: {description: doc, ...(Object.keys(content).length > 0 && {content})},
      ...Object.fromEntries(others),
      default: {description: 'An error.', content: {'application/json': {schema: {$ref: '#/components/schemas/Error'}}}},
    },
  };
}

/** `GET /api/invocations/<id>` → `getApiInvocationsId`. */
const idOf = (method: string, path: string) =>
  method.toLowerCase() +
  path.replaceAll(/[^A-Za-z]+([A-Za-z]?)/g, (_, letter: string) => letter.toUpperCase()) +
  (path === '/' ? 'Console' : '');

const namesOf = (path: string) => [...path.matchAll(/<(\w+)\*?>/g)].map(([, name = '']) => name);
const inPath = (name: string) => ({name, in: 'path', required: true, schema: text});

/** @param pair a parameter, and the placeholder of its value in `<>`, or the one value that it can have */
function inQuery([name, value]: [string, string]) {
  const [, placeholder] = /^<(.*)>$/.exec(value) ?? [];
  const schema = placeholder === undefined ? {type: 'string', enum: [value]} : (placeholders[placeholder] ?? text);
  return {name, in: 'query', required: false, schema};
}
