import type {DatabaseSync, StatementSync} from 'node:sqlite';

/** Prepares each statement once. They are few, as their texts are those of the code. */
export function preparing(db: DatabaseSync): (sql: string) => StatementSync {
  const statements = new Map<string, StatementSync>();
  return sql => {
    const known = statements.get(sql) ?? db.prepare(sql);
    statements.set(sql, known);
    return known;
  };
}
