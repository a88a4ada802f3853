import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import {projectFile, type RunningCore} from '../helpers/core.ts';
import {onDisk, serve, stops} from '../helpers/journal-on-disk.ts';
import {fill, mounted} from '../helpers/mounted.ts';
import {type Answer, ask} from '../helpers/request.ts';
import {metricIs} from '../helpers/supervision.ts';
import {readWork, refute} from '../helpers/work-told.ts';

// Work for a journal whose disk is full: it is refused before the 202, nothing of it is kept, and what was accepted ends.

/** Sends one item. Its key makes clear that a refusal keeps nothing: the same key is free afterwards. */
const send = (core: RunningCore, name: string, headers: Record<string, string> = {}): Promise<Answer> =>
  ask(core.url, {
    method: 'POST',
    headers: {prefer: 'respond-async', 'idempotency-key': `"${name}"`, ...headers},
    body: JSON.stringify({name, ms: 5, padding: 'x'.repeat(20_000)}),
  });

for (const kind of ['tmpfs', 'ext4'] as const) {
  onDisk(`${kind} that is full: work gets 503 and leaves nothing, and what got a 202 ends`, async t => {
    const disk = mounted(t, kind, 48);
    const file = join(disk, 'journal.db');
    const works = {SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/works.cjs'), CORE_WORK: 'on'};
    const core = await serve(t, file, works);
    const promised = new Set<string>();
    const keep = (answer: Answer) => promised.add(answer.field('core-invocation-id'));
    for (let count = 0; count < 20; count++) keep(await send(core, `before-${count}`, {'core-delay': count % 2 ? '3s' : '10ms'}));
    t.is(promised.size, 20);

    let filler = fill(disk);
    const refused: string[] = [];
    for (let count = 0; refused.length < 20; count++) {
      const name = `full-${count}`;
      const answer = await send(core, name);
      if (answer.status === 202) {
        keep(answer);
        filler = fill(disk); // the room that is given back is taken, too
        continue;
      }
      t.is(answer.status, 503, answer.text());
      t.not(answer.field('retry-after'), '');
      t.is(answer.field('location'), '');
      refused.push(name);
    }
    await metricIs(core, 'core_journal_durable', 0);
    const known = new Set((await readWork(file)).map(({id}) => id));
    t.deepEqual(known, promised, 'what was refused is not there');
    await pause(3500); // what was delayed becomes due meanwhile

    rmSync(filler);
    await metricIs(core, 'core_journal_durable', 1);
    for (const name of refused) {
      const answer = await send(core, name);
      t.is(answer.status, 202, answer.text());
      t.is(answer.field('idempotency-replayed'), '', 'the key was free');
      keep(answer);
    }
    for (;;) {
      const {waiting, behind, running} = (await ask(`${core.adminUrl}/api/work?limit=1`)).json();
      if (waiting + behind + running === 0) break;
      await pause(50);
    }
    await stops(t, core, file);
    const work = await readWork(file);
    t.deepEqual(new Set(work.map(({id}) => id)), promised);
    t.deepEqual(
      work.filter(told => !told.isOver || refute(told) !== undefined).map(told => `${told.id}: ${refute(told)}`),
      [],
    );
  });
}
