import test from 'ava';
import {systemClock} from '../../src/clock.ts';
import {Fault} from '../../src/errors.ts';
import {Budget} from '../../src/limits/budget.ts';
import {http as trigger} from '../../triggers/http/index.ts';
import {fakeHouse, recordingLog} from '../helpers/fakes.ts';
import {ask} from '../helpers/request.ts';

for (const [title, thrown] of [
  ['a frozen error', Object.freeze(new Error('frozen'))],
  ['an error whose status has only a getter', Object.defineProperty(new Error('getter'), 'status', {get: () => 500})],
  ['a fault', new Fault('JOURNAL_FAILED')],
  ['a text', 'text'],
] as const) {
  test(`${title} that comes from outside the stages ends its connection, is logged, and does no other harm`, async t => {
    let isFailing = true;
    const log = recordingLog();
    const house = fakeHouse({
      log,
      budget: new Budget(2 ** 20, systemClock),
      async deliver(delivery) {
        if (isFailing) throw thrown;
        delivery.reply({status: 200, headers: [], body: 'fine'});
      },
    });
    const opened = await trigger.open({host: undefined, port: 0, payloadMaxBytes: 1000, keepAliveMs: 650_000, metricsPath: ''}, house);
    t.teardown(() => opened[Symbol.asyncDispose]());
    await t.throwsAsync(ask(String(opened.url)), {code: 'ECONNRESET'});
    t.like(log.lines.at(-1), {level: 'error', message: 'A request failed outside the stages'});
    isFailing = false;
    t.is((await ask(String(opened.url))).text(), 'fine');
  });
}
