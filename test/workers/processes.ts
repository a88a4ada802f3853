import test from 'ava';
import fc from 'fast-check';
import type {Purpose} from '../../src/workers/process/parts.ts';
import {Processes} from '../../src/workers/process/processes.ts';
import type {SubRuntime} from '../../src/workers/process/sub-runtime.ts';

/** As much of an subRuntime as the account looks at; it is gone as soon as it is ended. */
class FakeSubRuntime {
  isStuck = false;
  ended: string | undefined;
  retired: string | undefined;
  readonly purpose: Purpose;
  readonly #processes: Processes;

  constructor(purpose: Purpose, processes: Processes) {
    this.purpose = purpose;
    this.#processes = processes;
    processes.add(this as unknown as SubRuntime); // what the account uses of it
  }

  get self(): SubRuntime {
    return this as unknown as SubRuntime; // as above
  }

  async end(reason: string): Promise<void> {
    this.ended = reason;
    this.#processes.remove(this.self);
  }

  async retire(reason: string): Promise<void> {
    this.retired = reason;
  }
}

test('a first start is wanted once, a spare only beside a stuck process, newer code always', t => {
  const processes = new Processes();
  t.deepEqual([processes.wants('start'), processes.wants('spare'), processes.wants('reload')], [true, false, true]);
  const first = new FakeSubRuntime('start', processes);
  t.deepEqual([processes.wants('start'), processes.wants('spare'), processes.wants('reload')], [false, false, true]);
  first.isStuck = true;
  t.true(processes.wants('spare'));
  const spare = new FakeSubRuntime('spare', processes);
  t.deepEqual([processes.wants('start'), processes.wants('spare')], [false, false]);
  t.deepEqual([processes.roleOf(first.self), processes.roleOf(spare.self)], ['serving', 'next']);
});

test('a successor takes over, and the process that served may finish its calls', t => {
  for (const [purpose, reason] of [
    ['spare', 'stuck'],
    ['reload', 'reloaded'],
  ] as const) {
    const processes = new Processes();
    const first = new FakeSubRuntime('start', processes);
    const next = new FakeSubRuntime(purpose, processes);
    processes.takeOver();
    t.is(processes.current, next.self);
    t.deepEqual([first.retired, first.ended, next.retired], [reason, undefined, undefined]);
    t.is(processes.roleOf(first.self), 'past');
  }
});

test('room is made by ending what is to take over, and what has been taken over from, never what serves', async t => {
  const processes = new Processes();
  const first = new FakeSubRuntime('start', processes);
  const second = new FakeSubRuntime('reload', processes);
  processes.takeOver();
  await processes.makeRoom();
  t.deepEqual([first.ended, second.ended, processes.size], ['reloaded', undefined, 1]);
  const unwanted = new FakeSubRuntime('spare', processes);
  await processes.makeRoom();
  t.deepEqual([unwanted.ended, second.ended, processes.size], ['reloaded', undefined, 1]);
  await processes.makeRoom();
  t.is(processes.current, second.self);
});

test('after any events in any order there are two processes at most, and the one that serves is never ended', async t => {
  const steps = fc.array(fc.constantFrom('start', 'spare', 'reload', 'ready', 'stuck', 'serving dies', 'next dies', 'past dies'), {
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(steps, async plan => {
      const processes = new Processes();
      const known = new Set<FakeSubRuntime>();
      const of = (role: string) => [...known].find(each => processes.roleOf(each.self) === role && [...processes].includes(each.self));
      for (const step of plan) {
        if (step === 'start' || step === 'spare' || step === 'reload') {
          if (!processes.wants(step)) continue;
          const serving = of('serving');
          await processes.makeRoom();
          if (serving?.ended !== undefined) return false;
          known.add(new FakeSubRuntime(step, processes));
        } else if (step === 'ready') {
          if (processes.hasNext) processes.takeOver();
        } else if (step === 'stuck') {
          const serving = of('serving');
          if (serving) serving.isStuck = true;
        } else {
          const dying = of(step.replace(' dies', ''));
          if (dying) processes.remove(dying.self);
        }
        if (processes.size > 2) return false;
      }
      return true;
    }),
  );
  t.pass();
});
