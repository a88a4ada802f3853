import test from 'ava';
import fc from 'fast-check';
import type {Purpose} from '../../src/workers/process/parts.ts';
import {Processes} from '../../src/workers/process/processes.ts';
import type {SubRuntime} from '../../src/workers/process/sub-runtime.ts';

const keptOf = (known: Iterable<FakeSubRuntime>, processes: Processes) =>
  [...known].filter(each => each.retired === 'reloaded' && each.isWaitedFor && [...processes].includes(each.self)).length;

/** As much of an subRuntime as the account looks at; it is gone as soon as it is ended. */
class FakeSubRuntime {
  isStuck = false;
  isWaitedFor = false;
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
  await processes.makeRoom(false);
  t.deepEqual([first.ended, second.ended, processes.size], ['reloaded', undefined, 1]);
  const unwanted = new FakeSubRuntime('spare', processes);
  await processes.makeRoom(false);
  t.deepEqual([unwanted.ended, second.ended, processes.size], ['reloaded', undefined, 1]);
  await processes.makeRoom(false);
  t.is(processes.current, second.self);
});

test('what reloads have left behind keeps its calls, up to four; then there is no room, but for what supersedes', async t => {
  const processes = new Processes();
  const versions = [new FakeSubRuntime('start', processes)];
  const takeOver = () => {
    const version = new FakeSubRuntime('reload', processes);
    version.isWaitedFor = true;
    versions.push(version);
    processes.takeOver();
  };
  for (const each of versions) each.isWaitedFor = true;
  for (let index = 0; index < 4; index++) {
    t.true(await processes.makeRoom(false));
    takeOver();
  }
  t.is(processes.kept, 4);
  t.false(await processes.makeRoom(false));
  t.deepEqual([...new Set(versions.map(({ended}) => ended))], [undefined]);
  t.true(await processes.makeRoom(true));
  t.deepEqual(
    versions.map(({ended}) => ended),
    ['reloaded', undefined, undefined, undefined, undefined],
  );
  takeOver();
  for (const each of versions.slice(1, 5)) each.isWaitedFor = false;
  t.true(await processes.makeRoom(false));
  t.is(processes.size, 1, 'nobody waits for the others');
});

test('a stuck process that a spare has taken over from makes room, though callers wait for it', async t => {
  const processes = new Processes();
  const stuck = new FakeSubRuntime('start', processes);
  stuck.isWaitedFor = true;
  new FakeSubRuntime('spare', processes);
  processes.takeOver();
  t.true(processes.isPastWaitedFor);
  t.true(await processes.makeRoom(false));
  t.is(stuck.ended, 'reloaded');
});

test('after any events in any order there are two processes at most beside those left behind, five in all, and the one that serves is never ended', async t => {
  const steps = fc.array(
    fc.constantFrom('start', 'spare', 'reload', 'ready', 'stuck', 'waited for', 'left', 'serving dies', 'next dies', 'past dies'),
    {
      maxLength: 60,
    },
  );
  await fc.assert(
    fc.asyncProperty(steps, async plan => {
      const processes = new Processes();
      const known = new Set<FakeSubRuntime>();
      const of = (role: string) => [...known].find(each => processes.roleOf(each.self) === role && [...processes].includes(each.self));
      for (const step of plan) {
        if (step === 'start' || step === 'spare' || step === 'reload') {
          if (!processes.wants(step)) continue;
          const serving = of('serving');
          const kept = [...known].filter(each => each.retired === 'reloaded' && each.isWaitedFor && each.ended === undefined);
          const hasRoom = await processes.makeRoom(step !== 'reload');
          if (serving?.ended !== undefined) return false;
          if (step === 'reload' && kept.some(each => each.ended !== undefined)) return false;
          if (!hasRoom) continue;
          known.add(new FakeSubRuntime(step, processes));
        } else if (step === 'ready') {
          if (processes.hasNext) processes.takeOver();
        } else if (step === 'stuck') {
          const serving = of('serving');
          if (serving) serving.isStuck = true;
        } else if (step === 'waited for' || step === 'left') {
          for (const each of known) each.isWaitedFor = step === 'waited for';
        } else {
          const dying = of(step.replace(' dies', ''));
          if (dying) processes.remove(dying.self);
        }
        if (processes.size > 5 || processes.size - keptOf(known, processes) > 2) return false;
      }
      return true;
    }),
  );
  t.pass();
});
