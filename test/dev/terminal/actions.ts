import test from 'ava';
import {Actions} from '../../../src/dev/terminal/actions.ts';
import {ManualClock} from '../../helpers/clock.ts';

const shown = {handler: '/srv/h.js (handle)', runtime: 'node', url: 'http://localhost:8080', isPublic: true};

for (const [title, functions] of [
  ['one function', [{...shown, adminUrl: 'http://127.0.0.1:8090'}]],
  ['several functions', [8091, 8092].map(port => ({...shown, adminUrl: `http://127.0.0.1:${port}`, consoleUrl: 'http://127.0.0.1:8090'}))],
] as const) {
  test(`the key o opens the one console of ${title}`, t => {
    const opened: string[] = [];
    const notes: string[] = [];
    const actions = new Actions({
      functions,
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
