import {Fault} from '../errors.ts';

/** Characters that are read at most: a key of 255, each escaped, and parameters. */
const longestField = 1024;

/** A structured field's string with parameters, which nobody has given a meaning (RFC 8941 §3.3.3). */
const quoted = /^"((?:[ !#-[\]-~]|\\["\\])*)"(?: *; *[a-z*][a-z0-9_.*-]*(?:=(?:"(?:[ !#-[\]-~]|\\["\\])*"|[!#-+\--:<-~]+))?)*$/;
/** As many clients send it. A comma would join the values of two fields. */
const bare = /^[!#-+\--:<-~]+$/;

/**
Reads a key that makes a request unique (draft-ietf-httpapi-idempotency-key-header). `"a"` and `a` are the same key.

@param given the field; '' when it is absent
@throws Fault REQUEST_MALFORMED
*/
export function readIdempotencyKey(given: string): string | undefined {
  if (given === '') return undefined;
  const key = given.length > longestField ? undefined : (quoted.exec(given)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? bareKey(given));
  if (key !== undefined && key.length >= 1 && key.length <= 255) return key;
  const rule = 'must be one quoted text of 1 to 255 printable ASCII characters';
  throw new Fault('REQUEST_MALFORMED', {message: `Idempotency-Key ${rule}, such as \`"8e03978e-40d5-43dd-bc93-6894a57f9324"\``});
}

const bareKey = (given: string) => (bare.test(given) ? given : undefined);
