import type {Route} from '../../route.ts';
import {described} from './described.ts';

/** `GET /api/openapi.json`: all of it. @param routes the whole table */
export function openApiRoute(routes: () => readonly Route[]): Route {
  return {
    method: 'GET',
    path: '/api/openapi.json',
    doc: 'This API as OpenAPI 3.1, from the table of its routes.',
    described: described('openapi'),
    async run() {
      const {writeOpenApi} = await import('../openapi/document.ts');
      return {body: await writeOpenApi(routes())};
    },
  };
}
