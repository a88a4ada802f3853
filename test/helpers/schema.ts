import {Ajv2020} from 'ajv/dist/2020.js';

const ajv = new Ajv2020({
  allErrors: true,
  strict: true,
  strictRequired: false,
  formats: {'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/},
});

/** What is wrong with a value, as sentences. */
export function problems(schema: object, value: unknown): string[] {
  const validate = ajv.compile(schema);
  return validate(value) ? [] : (validate.errors ?? []).map(({instancePath, message}) => `${instancePath} ${message}`);
}

/** The schema that refuses members which it does not describe, so that none of the real ones is left out. */
export function closed(schema: unknown): object {
  const text = JSON.stringify(schema, (_, each) =>
    each?.type === 'object' && each.properties && each.additionalProperties === undefined ? {...each, additionalProperties: false} : each,
  );
  const {$id, ...all} = JSON.parse(text);
  return all;
}

export const isSchema = (schema: object): boolean => ajv.validateSchema(schema) === true;
