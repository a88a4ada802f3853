/*
fact      one row each. `flags`: 1 it ends its stream, 2 it was only recorded. `checksum` is of the stream's name and the body
payload   bytes that facts refer to
append    one row for each commit, the newest of which says how far the journal is and what it holds. `id` is the writer's
          own name for the commit: after a broken connection it finds out whether the commit was made. Old rows are removed
work      as the other engines have it; `holder` runs it, `changes` counts its changes
core      the cores that live, by the clock of the server
meta      the version of all this
*/

/** Raised with every change of tables or functions. A migration brings the version before to this one. */
export const version = 1;

export const tables = (schema: string) => `
CREATE TABLE ${schema}.meta(key text PRIMARY KEY, value bigint NOT NULL);
CREATE TABLE ${schema}.fact(position bigint PRIMARY KEY, stored bigint NOT NULL, at bigint NOT NULL, checksum bigint NOT NULL,
  flags smallint NOT NULL, stream bytea NOT NULL, body bytea NOT NULL);
CREATE INDEX fact_stream ON ${schema}.fact(stream, position);
CREATE TABLE ${schema}.payload(name bytea PRIMARY KEY, stored bigint NOT NULL, checksum bigint NOT NULL, bytes bytea NOT NULL);
ALTER TABLE ${schema}.payload ALTER COLUMN bytes SET STORAGE EXTERNAL;
CREATE INDEX payload_stored ON ${schema}.payload(stored, name);
CREATE TABLE ${schema}.append(number bigint PRIMARY KEY, id uuid NOT NULL UNIQUE, first bigint NOT NULL, last bigint NOT NULL,
  stored bigint NOT NULL, bytes bigint NOT NULL, waiting bigint NOT NULL, behind bigint NOT NULL, running bigint NOT NULL,
  dead bigint NOT NULL, outcome json);
INSERT INTO ${schema}.append VALUES(0, '00000000-0000-0000-0000-000000000000', 0, 0, 0, 0, 0, 0, 0, 0, NULL);
CREATE TABLE ${schema}.work(seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text NOT NULL UNIQUE, status smallint NOT NULL,
  due bigint NOT NULL, epoch integer NOT NULL, attempts integer NOT NULL, deaths integer NOT NULL, lost smallint NOT NULL,
  ordering text, accepted bigint NOT NULL, dead_at bigint, holder uuid, changes integer NOT NULL, item json NOT NULL);
CREATE INDEX work_due ON ${schema}.work(due, seq) WHERE status = 0;
CREATE INDEX work_status ON ${schema}.work(status, id);
CREATE INDEX work_alive ON ${schema}.work(accepted) WHERE status < 3;
CREATE INDEX work_ordering ON ${schema}.work(ordering, seq) WHERE ordering IS NOT NULL AND status < 3;
CREATE INDEX work_keyed ON ${schema}.work(ordering, id) WHERE ordering IS NOT NULL;
CREATE INDEX work_holder ON ${schema}.work(holder) WHERE status = 2;
CREATE TABLE ${schema}.work_key(scope text PRIMARY KEY, fingerprint text NOT NULL, id text NOT NULL, until bigint NOT NULL);
CREATE INDEX work_key_until ON ${schema}.work_key(until);
CREATE INDEX work_key_id ON ${schema}.work_key(id);
CREATE TABLE ${schema}.core(id uuid PRIMARY KEY, name text NOT NULL, until bigint NOT NULL);
INSERT INTO ${schema}.meta VALUES('version', ${version});
`;
