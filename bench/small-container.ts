import {projectFile} from '../test/helpers/core.ts';
import {type Checked, checkContainer} from './container/check.ts';
import {markdownTable, shown, spreadOf} from './figures.ts';
import {known, type Question, runAlone} from './program.ts';
import {buildOurs} from './shipped.ts';

/*
What core and Node function take together in a container of 128 MB: what counts there is the sum of the control group.
bench/container.ts checks that they live in it, with other languages and sizes, too.

    node bench/small-container.ts [rounds] [seconds] [--json]
*/

const limitBytes = 128e6;

export const smallContainer: Question = {
  rounds: 3,
  seconds: 3,

  async answer({rounds, seconds}) {
    await using stack = new AsyncDisposableStack();
    const options = {handler: projectFile('bench/functions/echo.cjs'), limitBytes, main: await buildOurs(stack), seconds};
    const found: Checked[] = [];
    for (let round = 0; round < rounds; round++) {
      const checked = await checkContainer(options);
      if (!checked) throw new Error('This machine lets nobody make a control group');
      found.push(checked);
    }
    const spread = (of: (checked: Checked) => number) => spreadOf(found.map(of));
    const [idle, afterSmall] = [spread(({idle}) => idle.ownBytes / 1e6), spread(({afterSmall}) => afterSmall.ownBytes / 1e6)];
    const good = (index: number) => spread(({large}) => large[index]?.answers.good ?? 0);
    return {
      title: 'A container of 128 MB',
      about:
        'Core and Node function in one control group: megabytes (10⁶ bytes) that its processes made, without files that the kernel could ' +
        `drop. ${seconds} s of small calls on 32 connections, then 48 bodies of 1 MiB, 8 at a time, then 8 of 6 MiB, 4 at a time.`,
      tables: markdownTable(
        ['idle', 'after small calls', 'small calls/s', '1 MiB: 200, of 48', '6 MiB: 200, of 8', 'killed'],
        [
          [
            shown(idle),
            shown(afterSmall),
            shown(spread(({small}) => small.requestsPerSecond)),
            shown(good(0)),
            shown(good(1)),
            shown(spread(({kills}) => kills)),
          ],
        ],
      ),
      figures: known({
        'control group of 128 MB, idle': idle,
        'control group of 128 MB, after small calls': afterSmall,
        'bodies of 1 MiB answered in 128 MB': spread(({large}) => (large[0]?.answers.good ?? 0) / 48),
      }),
    };
  },
};

if (import.meta.main) await runAlone(smallContainer);
