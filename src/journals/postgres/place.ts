/** Where a journal is in PostgreSQL. */
export interface PostgresPlace {
  /** The URL as the client takes it, with its password, without our own parameters. */
  readonly url: string;
  /** The schema that holds the journal, and nothing else. */
  readonly schema: string;
}

const usualSchema = 'core_runtime';
/** PostgreSQL cuts long names, those of channels too, and names in capitals would have to be quoted by everybody who looks at them. */
const schemaName = /^[a-z_][a-z0-9_]{0,49}$/;

/**
Reads a place: what follows the scheme in `postgres://user@host/database?schema=shop`. Other parameters are the client's.

@returns undefined when it is no URL of a database, or the schema has a name that it may not have
*/
export function parsePlace(place: string): PostgresPlace | undefined {
  if (!/^\/\/./.test(place) || !URL.canParse(`postgres:${place}`)) return undefined;
  const url = new URL(`postgres:${place}`);
  const schema = url.searchParams.get('schema') ?? usualSchema;
  url.searchParams.delete('schema');
  if (url.pathname.length < 2 || !schemaName.test(schema) || schema.startsWith('pg_')) return undefined;
  return {url: url.href, schema};
}

/** The same place without its password, for messages and for everybody who asks which journal a core has. */
export function placeShown(place: string): string {
  const url = new URL(`postgres:${place}`);
  url.password = '';
  url.searchParams.delete('password');
  return url.href.slice('postgres:'.length);
}
