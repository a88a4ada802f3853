import type {WorkState} from '../../work.ts';
import {type Rest, stateOfRow, type WorkRow} from '../work-row.ts';

/*
Work that waits, runs or is a dead letter: one row each, in the journal's file, so that an item and its facts are one
commit. Only items that may start stand in the index that claims read: of an ordering key that is the first one. Queries
name that index, as SQLite prefers another one, and then sorts everything that waits. How many items have a status is
counted as they change: a million are not counted by hand.
*/

/** They are made beside the other tables of a journal; versions without work ignore them. */
export const workTables = `
  CREATE TABLE IF NOT EXISTS work(seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, status INTEGER NOT NULL, due INTEGER NOT NULL,
    epoch INTEGER NOT NULL, attempts INTEGER NOT NULL, deaths INTEGER NOT NULL, lost INTEGER NOT NULL, ordering TEXT,
    accepted INTEGER NOT NULL, dead_at INTEGER, item TEXT NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS work_due ON work(due, seq) WHERE status = 0;
  CREATE INDEX IF NOT EXISTS work_status ON work(status, id);
  CREATE INDEX IF NOT EXISTS work_alive ON work(accepted) WHERE status < 3;
  CREATE INDEX IF NOT EXISTS work_ordering ON work(ordering, seq) WHERE ordering IS NOT NULL AND status < 3;
  CREATE INDEX IF NOT EXISTS work_keyed ON work(ordering, id) WHERE ordering IS NOT NULL;
  CREATE TABLE IF NOT EXISTS work_key(scope TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, id TEXT NOT NULL, until INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS work_key_until ON work_key(until);
  CREATE INDEX IF NOT EXISTS work_key_id ON work_key(id);
  CREATE TABLE IF NOT EXISTS work_count(status INTEGER PRIMARY KEY, n INTEGER NOT NULL) STRICT;
  INSERT INTO work_count SELECT value, (SELECT count(*) FROM work WHERE status = value) FROM json_each('[0, 1, 2, 3]')
    WHERE NOT EXISTS (SELECT 1 FROM work_count);
  CREATE TRIGGER IF NOT EXISTS work_came AFTER INSERT ON work BEGIN
    UPDATE work_count SET n = n + 1 WHERE status = NEW.status;
  END;
  CREATE TRIGGER IF NOT EXISTS work_went AFTER DELETE ON work BEGIN
    UPDATE work_count SET n = n - 1 WHERE status = OLD.status;
  END;
  CREATE TRIGGER IF NOT EXISTS work_changed AFTER UPDATE OF status ON work WHEN NEW.status <> OLD.status BEGIN
    UPDATE work_count SET n = n + (status = NEW.status) - (status = OLD.status) WHERE status IN (OLD.status, NEW.status);
  END;
`;

/** Of the items that may start. */
export const byDue = 'INDEXED BY work_due WHERE status = 0';

/** A row of table `work`; the document is JSON. */
export interface Row extends WorkRow {
  readonly item: string;
}

export const stateOf = (row: Row): WorkState => stateOfRow(row, JSON.parse(row.item) as Rest); // we wrote it
