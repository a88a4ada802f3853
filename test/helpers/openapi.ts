import {Ajv2020} from 'ajv/dist/2020.js';

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters: readonly object[];
  readonly responses: Readonly<Record<string, {readonly content?: Readonly<Record<string, {readonly schema: object}>>}>>;
}

/** What `GET /api/openapi.json` answers, as far as tests read it. */
export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/;
const ajv = new Ajv2020({allErrors: true, strict: false, formats: {'date-time': time}});

/** What is wrong with an answer, in one text; '' when it is as it is described, without a member that is not. */
export function problemsOf({paths}: OpenApi, method: string, path: string, status: number, answer: unknown): string {
  const schema = paths[path]?.[method]?.responses[status]?.content?.['application/json']?.schema;
  if (!schema) return `${status} is not described: ${JSON.stringify(answer).slice(0, 200)}`;
  const check = ajv.compile(closed(schema));
  return check(answer) ? '' : ajv.errorsText(check.errors);
}

/** The schema that refuses members which it does not describe, so that none of the real ones is left out. */
const closed = (schema: object): object =>
  JSON.parse(
    JSON.stringify(schema, (_, each) => (each?.type === 'object' && each.properties ? {...each, additionalProperties: false} : each)),
  );
