/** A JSON Schema, as OpenAPI 3.1 has them (draft 2020-12). */
export type Schema = Readonly<Record<string, unknown>>;

export const text: Schema = {type: 'string'};
export const number: Schema = {type: 'number'};
export const count: Schema = {type: 'integer', minimum: 0};
export const truth: Schema = {type: 'boolean'};
/** ISO 8601 in UTC. */
export const time: Schema = {type: 'string', format: 'date-time'};
/** Milliseconds since 1970. */
export const wallMs: Schema = {type: 'number', description: 'Milliseconds since 1970.'};

export const oneOf = (...words: readonly string[]): Schema => ({type: 'string', enum: words});
export const list = (items: Schema): Schema => ({type: 'array', items});
export const orNull = (schema: Schema): Schema => ({...schema, type: [schema.type, 'null']});
/** Any member is of this schema. */
export const table = (additionalProperties: Schema): Schema => ({type: 'object', additionalProperties});

/** @param members by name; one with `?` at its end may be absent */
export function object(members: Readonly<Record<string, Schema>>): Schema {
  const names = Object.keys(members);
  return {
    type: 'object',
    properties: Object.fromEntries(Object.entries(members).map(([name, schema]) => [name.replace('?', ''), schema])),
    required: names.filter(name => !name.endsWith('?')),
  };
}
