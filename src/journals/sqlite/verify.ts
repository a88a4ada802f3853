import type {DatabaseSync} from 'node:sqlite';
import {crc32} from 'node:zlib';
import type {Position} from '../../journal.ts';
import type {Tell, Verdict} from '../engine.ts';
import {problemOfEnd} from './end.ts';
import {fileItself} from './file.ts';
import {type Mark, readMark} from './mark.ts';
import {openReading} from './open.ts';
import {checksumOf, type Pack, readPack} from './pack.ts';
import {pragma} from './schema.ts';

/** Most problems that are listed: more say nothing new. */
const mostProblems = 100;
/** Facts and payloads between two words about how far it is. */
const tellEvery = 1000;

/** Checks everything: pages, packs and their chain, the list of streams, payloads, and the mark. Changes nothing. */
export function verifySqlite(name: string, tell: Tell = () => {}): Verdict {
  const path = fileItself(name);
  const problems: string[] = [];
  const verdict = {facts: 0, first: 0, last: 0, payloads: 0, problems};
  let db: DatabaseSync;
  let mark: Mark | 'unreadable' | undefined;
  try {
    mark = readMark(`${path}.mark`); // before the database, which may grow meanwhile
    db = openReading(path);
  } catch (error) {
    return {...verdict, problems: [`It cannot be opened: ${messageOf(error)}`]};
  }
  const step = (work: () => void) => {
    try {
      work();
    } catch (error) {
      problems.push(`It cannot be read on: ${messageOf(error)}`);
    }
  };
  try {
    step(() => db.exec('BEGIN')); // sees one moment, however many facts come meanwhile
    let went = (_count: number) => {};
    step(() => checkPages(db, problems));
    step(() => {
      went = counting(db, tell);
    });
    step(() => Object.assign(verdict, checkPacks(db, problems, went)));
    step(() => {
      verdict.payloads = checkPayloads(db, problems, went);
    });
    step(() => checkMark(mark, verdict.last, db, problems));
  } finally {
    db.close();
  }
  return {...verdict, problems: problems.slice(0, mostProblems)};
}

/** Counts facts and payloads, and tells now and then. */
function counting(db: DatabaseSync, tell: Tell): (count: number) => void {
  let done = 0;
  let told = 0;
  const facts = db.prepare('SELECT coalesce(sum(count), 0) AS n FROM pack').get()?.n;
  const payloads = db.prepare('SELECT count(*) AS n FROM payload').get()?.n;
  const total = Number(facts) + Number(payloads);
  return count => {
    done += count;
    if (done - told < tellEvery) return;
    told = done;
    tell(done, total);
  };
}

function checkPages(db: DatabaseSync, problems: string[]): void {
  const result = pragma(db, `integrity_check(${mostProblems})`);
  if (result !== 'ok') problems.push(`SQLite: ${String(result)}`);
}

function checkPacks(db: DatabaseSync, problems: string[], went: (count: number) => void) {
  const pruned = Number(db.prepare("SELECT value FROM meta WHERE key = 'pruned'").get()?.value ?? 0);
  const listed = db.prepare('SELECT count(*) AS n FROM stream WHERE last = ? AND name = ? AND revision = ?');
  let before: Pack | undefined;
  let facts = 0;
  let first = 0;
  for (const row of db.prepare('SELECT * FROM pack ORDER BY last').iterate()) {
    const pack = row as unknown as Pack; // the table's columns
    went(pack.count);
    const start = pack.last - pack.count + 1;
    const expected = (before?.last ?? 0) + 1;
    if (start > expected && start - 1 > pruned) problems.push(`The facts from ${expected} to ${start - 1} are missing`);
    if (start < expected) problems.push(`The facts from ${start} to ${expected - 1} are there twice`);
    if (before && start === expected && before.checksum !== pack.before) problems.push(`The facts up to ${before.last} were replaced`);
    if (checksumOf(pack) !== pack.checksum) problems.push(`The facts from ${start} to ${pack.last} are not what was written`);
    else facts += checkLines(pack, problems, (stream, revision) => Number(listed.get(pack.last, stream, revision)?.n) > 0);
    if (first === 0) first = start;
    before = pack;
  }
  return {facts, first, last: before?.last ?? 0};
}

/** @returns how many facts it has */
function checkLines(pack: Pack, problems: string[], isListed: (stream: string, revision: Position) => boolean): number {
  const newest = new Map<string, Position>();
  let facts = 0;
  for (const {stream, position} of readPack(pack)) {
    facts++;
    newest.set(stream, position);
  }
  if (facts !== pack.count) problems.push(`The facts up to ${pack.last} are ${facts}, not ${pack.count}`);
  for (const [stream, revision] of newest) {
    // Loose facts are not listed; only those of invocations may be loose.
    const mayBeLoose = pack.loose === 1 && stream.startsWith('invocation.');
    if (!mayBeLoose && !isListed(stream, revision)) problems.push(`Fact ${revision} of stream ${stream} is not listed`);
  }
  return facts;
}

function checkPayloads(db: DatabaseSync, problems: string[], went: (count: number) => void): number {
  let count = 0;
  for (const {name, checksum, bytes} of db.prepare('SELECT name, checksum, bytes FROM payload').iterate()) {
    count++;
    went(1);
    if (crc32(bytes as Uint8Array) !== checksum) problems.push(`The payload ${String(name)} is not what was written`); // a strict BLOB
  }
  return count;
}

function checkMark(mark: Mark | 'unreadable' | undefined, last: Position, db: DatabaseSync, problems: string[]): void {
  const problem = problemOfEnd(mark, db);
  if (problem !== undefined) problems.push(problem);
  else if (mark === undefined && last > 0) problems.push('There is no mark beside it: whether its end is missing cannot be known');
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
