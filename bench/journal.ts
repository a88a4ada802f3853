import {join} from 'node:path';
import type {Load} from './load.ts';
import {cpuOf, known, type Question, race, raceTable, ratio, runAlone} from './program.ts';
import {requestTo} from './requests.ts';
import {type Server, startOurs, temporaryFolder} from './servers.ts';

/*
What it costs to keep the facts of every invocation: none kept, kept in memory, kept in SQLite.

    node bench/journal.ts [rounds] [seconds] [--json]
*/

const [off, memory, sqlite] = ['no facts', 'facts in memory', 'facts in SQLite'];

export const journal: Question = {
  rounds: 5,
  seconds: 2,

  async answer({rounds, seconds}) {
    await using stack = new AsyncDisposableStack();
    const servers = new Map<string, Server>([
      [off, await startOurs('message', {CORE_JOURNAL: 'memory:', CORE_JOURNAL_HTTP: 'off'}, stack)],
      [memory, await startOurs('message', {CORE_JOURNAL: 'memory:'}, stack)],
    ]);
    const file = join(await temporaryFolder(stack), 'facts.db');
    const inSqlite = await startOurs('message', {CORE_JOURNAL: `sqlite:${file}`}, stack).catch(refusedSetting);
    if (inSqlite) servers.set(sqlite, inSqlite);

    const loads = new Map([...servers].map(([name, server]): [string, Load] => [name, {...requestTo(server), connections: 32, seconds}]));
    const results = await race(loads, rounds);
    const [none, ...kept] = [off, memory, sqlite].map(name => results.get(name));
    const [inMemory, inFile] = kept;
    return {
      title: 'Journal',
      about: `Two facts an invocation, without bodies.${inSqlite ? '' : ' Not measured: this core keeps no facts in SQLite.'}`,
      tables: raceTable(results, off),
      figures: known({
        'requests/s, facts in memory / no facts': ratio(inMemory, none),
        'requests/s, facts in SQLite / no facts': ratio(inFile, none),
        'CPU of a request, facts in memory / no facts': ratio(inMemory, none, cpuOf),
        'CPU of a request, facts in SQLite / no facts': ratio(inFile, none, cpuOf),
      }),
    };
  },
};

/** A core that does not know this journal says which setting it refuses; whatever else is wrong is an error here too. */
function refusedSetting(error: Error): undefined {
  if (!error.message.includes('CORE_JOURNAL')) throw error;
}

if (import.meta.main) await runAlone(journal);
