import {once} from 'node:events';
import http from 'node:http';
import type {AddressInfo} from 'node:net';
import test from 'ava';
import {Actions} from '../../../src/dev/terminal/actions.ts';
import {Agenda} from '../../../src/dev/terminal/agenda.ts';
import type {Shown} from '../../../src/dev/terminal/banner.ts';
import {ManualClock, settle} from '../../helpers/clock.ts';

const shown = {handler: '/srv/h.js (handle)', runtime: 'node', url: 'http://localhost:8080', isPublic: true};

for (const [title, functions] of [
  ['one function', [{...shown, adminUrl: 'http://127.0.0.1:8090'}]],
  ['several functions', [8091, 8092].map(port => ({...shown, adminUrl: `http://127.0.0.1:${port}`, consoleUrl: 'http://127.0.0.1:8090'}))],
] as const) {
  test(`the key o opens the one console of ${title}`, t => {
    const opened: string[] = [];
    const notes: string[] = [];
    const actions = new Actions({
      functions: () => functions,
      controls: {reload() {}, stop() {}, abandon() {}, openInBrowser: url => opened.push(url)},
      env: {},
      clock: new ManualClock(),
      last: () => undefined,
      note: sentence => notes.push(sentence),
      print: () => t.fail('nothing is to be chosen'),
      clear() {},
    });
    actions.press('o');
    t.deepEqual(opened, ['http://127.0.0.1:8090/']);
    t.deepEqual(notes, ['Opening http://127.0.0.1:8090/']);
  });
}

test('keys and the status know functions that have started since', async t => {
  const schedule = {name: 'tick', next: ['2026-01-01T00:00:05.000Z'], timezone: 'UTC'};
  const asked: string[] = [];
  const server = http.createServer(({method, url}, response) => {
    asked.push(`${method} ${url}`);
    response.end(JSON.stringify({schedules: [schedule]}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const functions: Shown[] = [];
  const clock = new ManualClock();
  const agenda = new Agenda(() => functions, {}, clock);
  const notes: string[] = [];
  const actions = new Actions({
    functions: () => functions,
    controls: {reload() {}, stop() {}, abandon() {}, openInBrowser() {}},
    env: {},
    clock,
    last: () => undefined,
    note: sentence => notes.push(sentence),
    print: () => t.fail('nothing is to be chosen'),
    clear() {},
  });
  t.is(agenda.next(), undefined);
  actions.press('s');
  while (notes.length === 0) await settle();
  t.regex(notes[0] ?? '', /^There are no schedules/);

  const {port} = server.address() as AddressInfo;
  functions.push({...shown, name: 'late', adminUrl: `http://127.0.0.1:${port}`});
  while (agenda.next() === undefined) await settle();
  t.is(agenda.next()?.name, 'late tick');
  actions.press('s');
  while (!asked.includes('POST /api/schedules/tick/fire')) await settle();
  t.is(notes.length, 1);
});
