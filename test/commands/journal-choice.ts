import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {About} from '../../src/admin/routes/now.ts';
import {systemClock} from '../../src/clock.ts';
import {CoreArchive} from '../../src/commands/core-archive.ts';
import {findFile, findJournal} from '../../src/commands/journal-choice.ts';
import {defaultJournal} from '../../src/journals/default.ts';
import {openPrivate} from '../helpers/admin.ts';
import {projectFile} from '../helpers/core.ts';
import {fact} from '../helpers/journal-suite.ts';
import {openFile} from '../helpers/sqlite-journal.ts';

/** A data folder with a journal for each handler, and nothing that listens where a core would. */
async function withJournals(t: ExecutionContext, ...handlers: string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'journals-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const places: string[] = [];
  for (const handler of handlers) {
    const {place} = defaultJournal(folder, {handlerPath: handler, handlerName: 'handle'});
    places.push(place);
    await using journal = await openFile(place);
    await journal.append('runtime.a', [{type: 'code.loaded', data: {digest: 'd', handler}}]);
  }
  return {env: {CORE_DATA_DIR: folder, CORE_ADMIN_PORT: '1'}, places};
}

/** A core that serves a handler, and answers at its private port. */
async function withCore(t: ExecutionContext, handler: string, location: string) {
  const about = {function: {handler}, journal: {http: 'full', durable: false, location}} as unknown as About; // no more is asked
  const {url, journal} = await openPrivate(t, {about: () => about, clock: systemClock});
  return {port: new URL(url).port, journal};
}

const all = async <T>(found: AsyncIterable<T>) => Array.fromAsync(found);

test('without a journal and without a core, both are said to be missing', async t => {
  const {env} = await withJournals(t);
  await t.throwsAsync(findJournal({}, env), {message: /no journal exists below .*, and no core answers here/});
});

test('journals of several functions are listed by their functions', async t => {
  const {env} = await withJournals(t, '/srv/a/handler.js', '/srv/b/handler.py');
  const {message = ''} = (await t.throwsAsync(findJournal({}, env, '/elsewhere'))) ?? {};
  t.regex(message, /journals of several functions/);
  for (const handler of ['/srv/a/handler.js', '/srv/b/handler.py']) t.true(message.includes(`\n  --handler ${handler}`), message);
});

test('the only journal is taken, and that of the only function in this folder', async t => {
  const one = await withJournals(t, '/srv/a/handler.js');
  t.is((await findJournal({}, one.env, '/elsewhere')).place, one.places[0] ?? '');
  const two = await withJournals(t, '/srv/a/handler.js', '/srv/b/handler.py');
  t.is((await findJournal({}, two.env, '/srv/b')).place, two.places[1] ?? '');
  await t.throwsAsync(findJournal({}, two.env, '/srv'), {message: /several functions/});
});

test('the core that runs is asked first, unless the function of this folder is another one', async t => {
  const {env, places} = await withJournals(t, '/srv/a/handler.js', '/srv/b/handler.py');
  const {port} = await withCore(t, '/srv/a/handler.js', `sqlite:${places[0]}`);
  const asks = {...env, CORE_ADMIN_PORT: port};
  t.is((await findJournal({}, asks, '/elsewhere')).place, places[0] ?? '');
  t.is((await findJournal({}, asks, '/srv')).place, places[0] ?? '');
  t.is((await findJournal({}, asks, '/srv/b')).place, places[1] ?? '');
  t.is((await findJournal({journal: places[1]}, asks, '/srv/a')).place, places[1] ?? '', 'an option is not overruled');
});

test.serial('other functions of the folder of a core are noted, if they are still there', async t => {
  const [served, other] = [projectFile('examples/01-hello-node/handler.js'), projectFile('examples/02-hello-python/handler.py')];
  const {env, places} = await withJournals(t, served, other, projectFile('examples/gone.js'));
  const {port} = await withCore(t, served, `sqlite:${places[0]}`);
  const write = console.error;
  const notes: string[] = [];
  console.error = (line: string) => void notes.push(line);
  try {
    t.is((await findJournal({}, {...env, CORE_ADMIN_PORT: port}, projectFile('examples'))).place, places[0] ?? '');
  } finally {
    console.error = write;
  }
  t.deepEqual(notes, [`core-runtime: this is about ${served}; another function of this folder: --handler ${other}`]);
});

test('what the core has in memory is read through it; what needs a file refuses it', async t => {
  const {env} = await withJournals(t);
  const {port, journal} = await withCore(t, '/srv/a/handler.js', 'memory:');
  const asks = {...env, CORE_ADMIN_PORT: port, CORE_JOURNAL: 'memory:'};
  await t.throwsAsync(findJournal({}, {...asks, CORE_ADMIN_PORT: '1'}), {message: /CORE_JOURNAL is memory: there is nothing to read/});
  await t.throwsAsync(findFile({}, asks), {message: /not a file that can be read/});
  for (let index = 1; index <= 2500; index++) journal.record(`invocation.${index % 3}`, [fact(index)]);
  const {engine, place} = await findJournal({}, asks);
  using archive = await engine.read(place, systemClock);
  t.true(archive instanceof CoreArchive);
  t.deepEqual(await all(archive.scan('')), await all(journal.scan('')));
  t.deepEqual(await all(archive.read('invocation.1')), await all(journal.read('invocation.1')));
  t.deepEqual(await archive.last('invocation.2'), await journal.last('invocation.2'));
  t.is((archive as CoreArchive) && (await (archive as CoreArchive).explain('1'))?.id, '1');
  t.is(await (archive as CoreArchive).explain('unknown'), undefined);
  const stopping = new AbortController();
  for await (const recorded of archive.follow({after: 2499, signal: stopping.signal})) {
    t.is(recorded.position, 2500);
    stopping.abort();
  }
});
