import {createHash} from 'node:crypto';
import {type Durability, JournalDamaged} from '../../journal.ts';
import {appendFunction} from './append-function.ts';
import type {Connection} from './connection.ts';
import {claimFunction, sweepFunction} from './sweep-function.ts';
import {tables, version} from './tables.ts';
import {workFunction} from './work-function.ts';

/**
Makes a journal's tables and functions if they are not there, and proves what receipts promise. Cores that start at the
same time wait for one another.

@throws JournalDamaged when the schema is of another version, or another program's; Error when the database cannot keep what it is given
*/
export async function prepareSchema(connection: Connection, schema: string): Promise<void> {
  await prove(connection);
  if ((await versionOf(connection, schema)) !== undefined) return checkVersion(connection, schema);
  const lock = lockOf(schema);
  await connection.run(`BEGIN; SELECT pg_advisory_xact_lock(${lock})`);
  try {
    if ((await versionOf(connection, schema)) === undefined) {
      await refuseForeign(connection, schema);
      await connection.run(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
      const functions = [workFunction(schema, lock), appendFunction(schema, lock), claimFunction(schema), sweepFunction(schema, lock)];
      await connection.run([tables(schema), ...functions].join('\n'));
    }
    await connection.run('COMMIT');
  } catch (error) {
    if (!connection.isEnded) await connection.run('ROLLBACK').catch(() => {});
    throw error;
  }
  await checkVersion(connection, schema);
}

/** @throws JournalDamaged */
export async function checkVersion(connection: Connection, schema: string): Promise<void> {
  const found = await versionOf(connection, schema);
  if (found === undefined) throw new Error(`there is no journal in the schema ${schema}`);
  if (found !== version) throw new JournalDamaged(`The journal has version ${found}; this version of the core reads ${version}`);
}

/** The number of the lock under which positions are given. Two schemas with the same number would only wait for one another. */
export const lockOf = (schema: string): number => createHash('sha256').update(`core-runtime ${schema}`).digest().readInt32BE(0);

async function versionOf(connection: Connection, schema: string): Promise<number | undefined> {
  // Not by to_regclass: after a wait for the lock it would answer from before that.
  const text = "SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = 'meta'";
  const {rows} = await connection.ask({name: '', text}, [schema]);
  if (rows.length === 0) return undefined;
  const {rows: versions} = await connection.ask({name: '', text: `SELECT value FROM ${schema}.meta WHERE key = 'version'`});
  return Number(versions[0]?.value);
}

/** A schema with tables that are not ours is somebody else's. */
async function refuseForeign(connection: Connection, schema: string): Promise<void> {
  const {rows} = await connection.ask({name: '', text: 'SELECT tablename FROM pg_tables WHERE schemaname = $1 LIMIT 1'}, [schema]);
  if (rows[0])
    throw new Error(`the schema ${schema} has a table ${rows[0].tablename} that is no journal's: name another one, ?schema=<name>`);
}

/** @returns what a commit promises on this server @throws Error when the server does not keep what it is given */
export async function prove(connection: Connection): Promise<Durability> {
  const {rows} = await connection.ask({
    name: '',
    text: `SELECT current_setting('server_version_num')::integer AS version, current_setting('fsync') AS fsync,
      current_setting('full_page_writes') AS pages, pg_is_in_recovery() AS standby,
      current_setting('synchronous_standby_names') <> '' AS replicated`,
  });
  const {version: server, fsync, pages, standby, replicated} = rows[0] ?? {};
  if (Number(server) < oldestServer) throw new Error(`the server has version ${server}; the journal needs PostgreSQL 13 or later`);
  if (standby === true) throw new Error('the server is a standby, which cannot be written: name the primary');
  if (fsync !== 'on') throw new Error('the server does not sync what it writes (fsync is off), so nothing that it keeps is kept');
  if (pages !== 'on') throw new Error('the server may lose pages at a power loss (full_page_writes is off)');
  return replicated === true ? 'replicated' : 'fsync';
}

const oldestServer = 130_000;

/**
Commits wait for the disk, and for the standbys that the server names, whatever the default of the role or the database is.
One prepared plan serves every group, small or large.
*/
export const writersSettings = `
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply');
SET plan_cache_mode = force_generic_plan;
`;
