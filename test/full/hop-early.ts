import http from 'node:http';
import test from 'ava';
import {projectFile} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';
import {serve} from '../helpers/supervision.ts';

/*
A sub-runtime that answers before it has read the request, and once more after: a caller gets no reply that was meant for
another.
*/

const fixture = projectFile('test/fixtures/early-sub-runtime.cjs');

for (const when of ['at-once', 'later']) {
  for (const [size, bytes, names] of [
    ['small', 10, ''],
    ['small', 10, 'yes'],
    ['larger than a packet', 200_000, ''],
    ['larger than any buffer', 5_000_000, ''],
  ] as const) {
    const replies = names ? 'replies that name their calls' : 'replies';
    test(`no caller gets another’s reply: ${size} requests, ${replies}, the second ${when}`, async t => {
      const core = await serve(t, 'mirror.cjs', {
        SCW_RUNTIME_BINARY: process.execPath,
        SCW_RUNTIME_BRIDGE: fixture,
        CORE_CONCURRENCY: '1',
        WHEN: when,
        NAMES: names,
      });
      const body = Buffer.alloc(bytes, 'x');
      const agent = new http.Agent({keepAlive: true});
      t.teardown(async () => agent.destroy());
      // In turn, and at the same time: then the next call is sent the moment that the one before has its reply.
      for (let round = 0; round < 4; round++) {
        const answers = [];
        for (let call = 0; call < 4; call++) answers.push(ask(core.url, {method: 'POST', body, agent}));
        for (const answer of await Promise.all(answers)) {
          if (answer.status === 200) t.is(answer.text(), answer.field('core-invocation-id'));
          else t.is(answer.status, 502);
        }
        const alone = await ask(core.url, {method: 'POST', body, agent});
        if (alone.status === 200) t.is(alone.text(), alone.field('core-invocation-id'));
        else t.is(alone.status, 502);
      }
    });
  }
}
