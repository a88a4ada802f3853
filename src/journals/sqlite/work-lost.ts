import type {DatabaseSync} from 'node:sqlite';
import {code} from '../work-row.ts';
import type {HeldClaims} from './held-claims.ts';

/** Called at the start of the only core that may write: what ran in another one has ended with it. */
export function loseRunning(db: DatabaseSync): void {
  db.exec(`UPDATE work SET status = 0, lost = max(lost, 1), due = min(due, accepted) WHERE status = ${code.running}`);
}

/**
Called when the file was opened again after an error. A commit that was reported to have failed may be there, as nobody knows
what a disk has written that refused to sync. So nobody was told of its claims: they are due again.
*/
export function loseUnheard(db: DatabaseSync, held: HeldClaims): void {
  const running = db.prepare('SELECT seq, id, epoch FROM work WHERE status = ?').all(code.running);
  const unheard = running.filter(({id, epoch}) => !held.holds(String(id), Number(epoch)));
  if (unheard.length === 0) return;
  const become = 'status = 0, lost = CASE lost WHEN 2 THEN 2 ELSE 3 END';
  db.prepare(`UPDATE work SET ${become} WHERE seq IN (SELECT value FROM json_each(?))`).run(JSON.stringify(unheard.map(({seq}) => seq)));
}
