import {Pause} from '../../src/pause.ts';
import type {ClaimingHouse} from '../../src/trigger.ts';
import type {WorkRunner} from '../../src/work/hall.ts';
import {workOf} from '../../src/work/pause.ts';
import type {Insist} from './insist.ts';

/** How often it is looked whether another core has paused work, or lets it go on. */
const lookMs = 1000;
/** How often a core that is alone on its journal looks whether the fact about a pause is old. */
const aloneMs = 600_000;

export interface PausedHouse extends Pick<ClaimingHouse, 'journal' | 'clock' | 'log' | 'core' | 'cores'> {
  readonly insist: Insist;
  readonly closing: AbortSignal;
}

/** Pauses a runner while the journal says that work is paused. That is known before anything is claimed. */
export async function whilePaused(
  runner: Pick<WorkRunner, 'isPaused' | 'pause'>,
  {journal, clock, log, core, cores, insist, closing}: PausedHouse,
  claim: () => Promise<void>,
): Promise<void> {
  const pause = new Pause(workOf(core), {journal, clock});
  const isAlone = cores.leaseMs === 0;
  const first = await insist(() => pause.read());
  if (first?.isPaused) {
    log.warn({}, 'Work is paused, since before this start: nothing is started until it is resumed');
    runner.pause(true);
  }
  await Promise.all([claim(), follow()]);

  async function follow(): Promise<void> {
    while (await clock.sleep(isAlone ? aloneMs : lookMs, closing)) {
      try {
        if (!isAlone) await look();
        await pause.renew();
      } catch {
        // The journal is away: it stays as it was.
      }
    }
  }

  async function look(): Promise<void> {
    const was = runner.isPaused;
    const {isPaused} = await pause.read();
    if (runner.isPaused !== was || isPaused === was) return; // somebody asked this core meanwhile
    log.info({}, isPaused ? 'Another core has paused work: nothing is started until it is resumed' : 'Another core has resumed work');
    runner.pause(isPaused);
  }
}
